//! Asana's webhooks: the handshake while the creating call is open, and each report of a task is one event.

use prost::Message as _;
use puente_proto::tasks::TaskReported;
use puente_providers::sim::{self, Account, Hub};
use puente_testkit::wait_for;
use puente_types::Secret;
use puente_webhook_auth::{Encoding, sign};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{PATIENCE, Running, outcome, refusal, start};

const CONNECTION: &str = "algesta-asana";
const PATH: &str = "/webhooks/asana/algesta-asana";
const TOKEN: &str = "token-of-algesta";

/// Asana, with an account that the connection is of.
struct Asana {
    url: String,
    http: Client,
}

impl Asana {
    async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sim/asana", listener.local_addr().unwrap());
        let hub = Hub::new();
        hub.put_account("asana", Account::new("1331").with_secret("access_token", TOKEN));
        tokio::spawn(sim::serve(listener, hub, std::future::pending()));
        let http = Client::builder().no_proxy().build().unwrap();
        Self { url, http }
    }

    async fn call(&self, path: &str, data: Value) -> (StatusCode, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(TOKEN);
        let answer = request.json(&data).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn subscribe(&self, target: String) -> (StatusCode, Value) {
        let filters = json!([{"resource_type": "task", "action": "changed"}]);
        let data = json!({"data": {"resource": "1200", "target": target, "filters": filters}});
        self.call("/api/1.0/webhooks", data).await
    }
}

async fn connect(ingress: &Running, secret: Option<&str>) {
    let secret = secret.map(|secret| ("webhook_secret", secret));
    let secrets: Vec<_> = [("access_token", TOKEN)].into_iter().chain(secret).collect();
    ingress
        .connect(CONNECTION, "algesta", "asana", "1331", &secrets)
        .await;
    ingress.knows_connections(5).await;
}

async fn report(ingress: &Running, secret: &str, body: &str) -> reqwest::Response {
    let proof = sign(&Secret::new(secret), "", Encoding::Hex, &[body.as_bytes()]);
    ingress.post(PATH, &[("x-hook-signature", &proof)], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_with_its_handshake_and_what_people_do_to_a_task_becomes_one_event() {
    let (ingress, asana) = (start(|o| o).await, Asana::serve().await);
    connect(&ingress, None).await;
    // The call is answered once ingress has answered the handshake, which comes while it is open.
    let (status, made) = asana.subscribe(ingress.url(PATH)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let secret = made["X-Hook-Secret"].as_str().unwrap();
    connect(&ingress, Some(secret)).await;

    let new = json!({"data": {"name": "Orden 812", "projects": ["1200"]}});
    let (_, task) = asana.call("/api/1.0/tasks", new).await;
    let gid = task["data"]["gid"].as_str().unwrap();
    let done = json!({"completed": true});
    asana.call(&format!("/_control/tasks/{gid}"), done).await;
    wait_for("the event", PATIENCE, || async {
        ingress.events().await == [("algesta".to_owned(), 1)]
    })
    .await;
    let (kind, aggregate, payload): (String, String, Vec<u8>) =
        sqlx::query_as("SELECT type, aggregate_id, payload FROM ingress.outbox")
            .fetch_one(&ingress.db.admin())
            .await
            .unwrap();
    assert_eq!(
        (kind.as_str(), aggregate.as_str()),
        ("puente.tasks.v1.TaskReported", gid)
    );
    let event = TaskReported::decode(payload.as_slice()).unwrap();
    assert_eq!(
        (event.provider.as_str(), event.connection.as_str()),
        ("asana", CONNECTION)
    );
    assert_eq!((event.task_id.as_str(), event.action.as_str()), (gid, "changed"));
    assert_eq!(
        (event.field.as_str(), event.actor.as_str()),
        ("completed", "3333")
    );
    assert!(event.happened_at.is_some() && !event.delivery_id.is_empty());
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_webhook_is_there_no_handshake_is_answered_and_nothing_unsigned_is_taken() {
    let (ingress, asana) = (start(|o| o).await, Asana::serve().await);
    connect(&ingress, Some("the-secret-of-the-webhook")).await;
    let (status, _) = asana.subscribe(ingress.url(PATH)).await;
    assert_eq!(
        status,
        StatusCode::BAD_REQUEST,
        "somebody else's webhook is not confirmed"
    );
    let offered = [("x-hook-secret", "00112233")];
    let answer = ingress.post(PATH, &offered, "{}").await;
    assert!(answer.headers().get("x-hook-secret").is_none());
    assert_eq!(refusal(answer).await.0, StatusCode::FORBIDDEN);
    let answer = report(&ingress, "00112233", "{\"events\":[]}").await;
    let mismatch = (StatusCode::UNAUTHORIZED, "signature_mismatch".to_owned());
    assert_eq!(
        refusal(answer).await,
        mismatch,
        "the secret of a handshake is never taken"
    );
    let answer = ingress.post(PATH, &[], "{\"events\":[]}").await;
    assert_eq!(refusal(answer).await.1, "signature_missing");
    let answer = report(&ingress, "the-secret-of-the-webhook", "{\"events\":[]}").await;
    assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, "ignored"));
    assert_eq!(ingress.events().await, []);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_again_or_in_another_batch_is_the_same_event() {
    let ingress = start(|o| o).await;
    connect(&ingress, Some("s3cr3t")).await;
    let event = |task: &str| {
        json!({"user": {"gid": "3333"}, "created_at": "2026-06-11T18:55:22.123Z", "action": "changed",
            "resource": {"gid": task, "resource_type": "task"}, "change": {"field": "completed", "action": "changed"}})
    };
    let alone = json!({"events": [event("1")]}).to_string();
    let batch = json!({"events": [event("1"), event("2")]}).to_string();
    for (body, expected) in [(&alone, "accepted"), (&alone, "duplicate"), (&batch, "accepted")] {
        let answer = report(&ingress, "s3cr3t", body).await;
        assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, expected));
    }
    assert_eq!(ingress.events().await, [("algesta".to_owned(), 2)]);
    ingress.stop().await;
}
