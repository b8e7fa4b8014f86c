//! The REST interface with the whole fleet behind it: what a person of a tenant finds, does, and never sees.

use puente_e2e::{InProcess, PATIENCE, Person, Stage};
use puente_gateway::domain::Role;
use puente_gateway::keys::{self, NewKey};
use puente_testkit::wait_for;
use puente_types::{Clock as _, SystemClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A gateway before a running fleet.
pub(crate) struct Door {
    pub(crate) stage: Stage,
    pub(crate) fleet: InProcess,
    pub(crate) url: String,
}

impl Door {
    pub(crate) async fn open() -> Self {
        let stage = Stage::raise(false).await;
        let mut fleet = InProcess::start(&stage, 1).await;
        let url = fleet.open_gateway(&stage).await;
        Self { stage, fleet, url }
    }

    pub(crate) async fn key(&self, tenant: &str, role: Role) -> String {
        let new = NewKey {
            tenant: Some(tenant.parse().unwrap()),
            name: format!("{role} of {tenant}"),
            role,
            per_minute: 60_000,
            expires_at: None,
            created_by: "test".to_owned(),
        };
        let now = SystemClock.now();
        let made = keys::create(&self.stage.db.pool("gateway"), &new, now)
            .await
            .unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = self.stage.http.request(method, format!("{}{path}", self.url));
        let request = request
            .bearer_auth(key)
            .header("idempotency-key", Uuid::now_v7().to_string());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Value {
        let (status, answer) = self.send(Method::GET, path, key, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, key, Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }
}

pub(crate) const REASON: &str = "the client has asked for it";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_anything_people_have_and_its_way_is_told() {
    let door = Door::open().await;
    let person = Person::on_cloud(7);
    person.order(&door.stage, &door.fleet.url(0), 0).await;
    let number = person.order_number(&door.stage);
    let key = door.key("algesta", Role::Agent).await;

    let order = door.get(&format!("/api/orders/{number}"), &key).await;
    let id = order["order_id"].as_str().unwrap().to_owned();
    assert_eq!(
        order["client_name"], "Ana María Gómez",
        "an agent works with names"
    );
    assert!(
        !order.to_string().contains(&person.phone),
        "and not with numbers: {order}"
    );
    let viewer = door.key("algesta", Role::Viewer).await;
    let masked = door.get(&format!("/api/orders/{id}"), &viewer).await;
    assert!(!masked.to_string().contains("Gómez"), "{masked}");

    let shown = door
        .post(
            &format!("/api/orders/{id}/reveal"),
            &key,
            json!({ "reason": REASON }),
        )
        .await;
    assert_eq!(shown["client_phone"], format!("+{}", person.phone));

    for what in [&number, &id, &person.phone] {
        let found = door.get(&format!("/api/search?q={what}"), &key).await;
        assert!(found["found"].to_string().contains(&id), "{what}: {found}");
        assert_eq!(found["unavailable"], json!([]));
    }

    let journey = wait_for("the whole way of the order", PATIENCE, || async {
        let journey = door.get(&format!("/api/orders/{id}/journey"), &viewer).await;
        let step = &journey["steps"][0];
        let whole =
            step["delivery"].is_object() && step["notices"].as_array().is_some_and(|all| !all.is_empty());
        if whole {
            Ok(journey)
        } else {
            Err(journey.to_string())
        }
    })
    .await;
    assert_eq!(journey["steps"][0]["fact"]["fact"], "opened");
    let text = journey.to_string();
    assert!(!text.contains("Gómez") && !text.contains(&person.phone), "{text}");

    let admin = door.key("algesta", Role::Admin).await;
    let trail = door.get(&format!("/api/audit?object={id}"), &admin).await;
    assert_eq!(trail["rows"][0]["action"], "order.revealed");
    assert_eq!(trail["rows"][0]["reason"], REASON);
    door.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_conversation_and_raw_bodies_are_shown_one_at_a_time_and_never_in_lists() {
    let door = Door::open().await;
    let person = Person::on_cloud(8);
    person.order(&door.stage, &door.fleet.url(0), 0).await;
    let admin = door.key("algesta", Role::Admin).await;
    let conversations = door.get("/api/conversations", &admin).await;
    let id = conversations["conversations"][0]["conversation_id"]
        .as_str()
        .unwrap();
    let masked = door.get(&format!("/api/conversations/{id}"), &admin).await;
    assert!(!masked.to_string().contains("nevera"), "{masked}");
    let reveal = json!({ "reason": REASON });
    let shown = door
        .post(&format!("/api/conversations/{id}/reveal"), &admin, reveal.clone())
        .await;
    assert!(shown.to_string().contains("nevera"), "{shown}");

    let deliveries = door.get("/api/deliveries?outcomes=accepted", &admin).await;
    let delivery = deliveries["deliveries"][0]["id"].as_str().unwrap();
    let whole = door.get(&format!("/api/deliveries/{delivery}"), &admin).await;
    assert_eq!(whole["body"], Value::Null);
    let shown = door
        .post(&format!("/api/deliveries/{delivery}/reveal"), &admin, reveal)
        .await;
    assert!(shown["body"].as_str().unwrap().len() > 100);
    let operator = door.key("algesta", Role::Operator).await;
    let path = format!("/api/deliveries/{delivery}/reveal");
    let (status, _) = door
        .send(Method::POST, &path, &operator, Some(json!({ "reason": REASON })))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    door.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_moved_and_assigned_once_however_often_it_is_asked_for() {
    let door = Door::open().await;
    let person = Person::on_cloud(9);
    person.order(&door.stage, &door.fleet.url(0), 0).await;
    let number = person.order_number(&door.stage);
    let key = door.key("algesta", Role::Agent).await;
    let assigned = door
        .post(
            &format!("/api/orders/{number}/assignment"),
            &key,
            json!({ "agent": "agente-1" }),
        )
        .await;
    assert_eq!(assigned["agent"], "agente-1");
    let order = door.get(&format!("/api/orders/{number}"), &key).await;
    let transition = order["transitions"][0]
        .as_str()
        .expect("something may be done")
        .to_owned();
    let body = json!({ "transition": transition, "reason": REASON, "expected_version": order["version"] });
    let path = format!("{}/api/orders/{number}/transitions", door.url);
    let send = || {
        let request = door
            .stage
            .http
            .post(&path)
            .bearer_auth(&key)
            .header("idempotency-key", "once");
        request.json(&body).send()
    };
    let (first, again) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!(first.status(), StatusCode::OK, "{:?}", first.text().await);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let after = door.get(&format!("/api/orders/{number}"), &key).await;
    assert_eq!(
        after["version"].as_i64(),
        order["version"].as_i64().map(|version| version + 1)
    );
    let (status, problem) = door
        .send(
            Method::POST,
            &format!("/api/orders/{number}/transitions"),
            &key,
            Some(body.clone()),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    door.fleet.stop().await;
}
