//! Tenant against tenant over REST: every route that the served document names, asked by one tenant with everything that
//! the other one has. A route that this file knows nothing for fails the test until something is made for it.

use std::collections::{BTreeMap, BTreeSet};

use puente_e2e::{DOCUSIGN, Office, PATIENCE, Person, Plates, Stage, plate};
use puente_gateway::domain::Role;
use puente_providers::sim::ReadLine;
use puente_testkit::wait_for;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::gateway::{Door, REASON};

/// Where things of each kind are listed: the route of one of them, the list, its field, and what names one in the route.
const THINGS: [(&str, &str, &str, &[&str]); 16] = [
    ("/api/assets/{id}", "/api/assets", "assets", &["asset_id"]),
    ("/api/captures/{id}", "/api/captures", "captures", &["capture_id"]),
    ("/api/clients/{id}", "/api/clients", "clients", &["client_id"]),
    (
        "/api/conversations/{id}",
        "/api/conversations",
        "conversations",
        &["conversation_id"],
    ),
    (
        "/api/dead-letters/{service}/{consumer}/{event_id}",
        "/api/dead-letters",
        "letters",
        &["service", "consumer", "event_id"],
    ),
    ("/api/deliveries/{id}", "/api/deliveries", "deliveries", &["id"]),
    (
        "/api/directory/{person}",
        "/api/directory",
        "people",
        &["person_id"],
    ),
    (
        "/api/documents/{id}",
        "/api/documents",
        "documents",
        &["document_id"],
    ),
    (
        "/api/effects/{service}/{id}",
        "/api/effects",
        "effects",
        &["service", "id"],
    ),
    ("/api/keys/{id}", "/api/keys", "keys", &["id"]),
    ("/api/messages/{id}", "/api/messages", "messages", &["message_id"]),
    ("/api/orders/{order}", "/api/orders", "orders", &["order_id"]),
    ("/api/replays/{id}", "/api/replays", "replays", &["id"]),
    (
        "/api/signatures/{id}",
        "/api/signatures",
        "signatures",
        &["request_id"],
    ),
    ("/api/users/{id}", "/api/users", "users", &["id"]),
    // Those of its orders.
    ("/api/events/{id}", "/api/events", "events", &["id"]),
];
/// What is the same for everybody.
const OF_NOBODY: [&str; 4] = [
    "/api/events/asyncapi.json",
    "/api/events/catalogue",
    "/api/events/descriptors.binpb",
    "/api/openapi.json",
];
/// Answers that name nothing by which it could be told whose they are: sums, and what an ERP says that nobody has here.
const WITHOUT_NAMES: [&str; 3] = [
    "/api/captures/accuracy",
    "/api/clients/lookup-by-nit",
    "/api/traffic",
];
/// Makes what is not there: a person of that name in the caller's own directory.
const MAKES_ONES_OWN: &str = "/api/directory/{person}";

/// Of each kind, so many are looked for in the lists that need something to look for.
const SOME: usize = 3;

/// The providers of the tenant `algesta` do what they are asked for.
pub(crate) async fn authorise(door: &Door) {
    let office = Office::of(
        "algesta",
        &door.fleet.grpc_url("orders"),
        &door.fleet.grpc_url("signature"),
    );
    office.authorise(DOCUSIGN).await;
    let plate = vec![ReadLine::new("S/N"), ReadLine::new("AZ12345678")];
    door.stage.hub.teach_default("azure_vision", plate);
}

/// What both tenants do, so that each has something of every kind.
pub(crate) async fn live(door: &Door, tenant: &str, people: [Person; 2]) {
    let stage = &door.stage;
    let key = door.key(tenant, Role::Admin).await;
    let office = Office::of(
        tenant,
        &door.fleet.grpc_url("orders"),
        &door.fleet.grpc_url("signature"),
    );
    let plates = Plates::of(
        tenant,
        &door.fleet.grpc_url("ocr"),
        &door.fleet.grpc_url("orders"),
    );
    office.open().await;
    let own = json!({ "kind": "agent", "name": format!("Agente de {tenant}"), "email": format!("uno@{tenant}.example") });
    let agent = format!("agent-of-{tenant}");
    let (status, answer) = door
        .send(Method::PUT, &format!("/api/directory/{agent}"), &key, Some(own))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    // An order that goes to its signers, and one that its agent has.
    let [first, second] = people;
    first.order(stage, &door.fleet.url(0), 0).await;
    office.send_to_signature(&first.order_number(stage), "1").await;
    let signed = office.order(&first.order_number(stage)).await.order_id;
    office.signature(&signed).await;
    second.order(stage, &door.fleet.url(0), 0).await;
    let number = second.order_number(stage);
    door.post(
        &format!("/api/orders/{number}/assignment"),
        &key,
        json!({ "agent": agent }),
    )
    .await;
    door.post(
        &format!("/api/orders/{number}/reveal"),
        &key,
        json!({ "reason": REASON }),
    )
    .await;

    // A plate with its sheet.
    let (photo, _) = plate();
    first.show(stage, &door.fleet.url(0), &photo, "placa", 0).await;
    let read = plates.until(&["Leido"]).await;
    plates.asset(&read.serial).await;

    // An event that nobody can read, deliveries done again, and somebody who logs in.
    unreadable(stage, tenant).await;
    let since = json!({ "since": "2026-01-01T00:00:00Z" });
    door.post("/api/replays", &key, json!({ "filter": since, "reason": REASON }))
        .await;
    let user = json!({ "email": format!("persona@{tenant}.example"), "name": tenant, "role": "viewer" });
    door.post("/api/users", &key, user).await;
    wait_for("the dead letter", PATIENCE, || async {
        let letters = door.get("/api/dead-letters", &key).await;
        let first = letters["letters"].get(0).cloned();
        first.ok_or(letters)
    })
    .await;
}

/// An event of a tenant that no service can read.
async fn unreadable(stage: &Stage, tenant: &str) {
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in [
        ("ce-id", Uuid::now_v7().to_string()),
        ("ce-type", "puente.messaging.v1.MessageReceived".to_owned()),
        ("ce-source", "ingress".to_owned()),
        ("ce-subject", "test".to_owned()),
        ("ce-time", "2026-11-25T00:00:00Z".to_owned()),
        ("ce-specversion", "1.0".to_owned()),
        ("content-type", "application/protobuf".to_owned()),
        ("puente-tenant", tenant.to_owned()),
    ] {
        headers.insert(name, value.as_str());
    }
    let js = async_nats::jetstream::new(stage.nats.client().await);
    let subject = format!("puente.v1.{tenant}.messaging.message.received");
    let sent = js
        .publish_with_headers(subject, headers, vec![0xFF; 3].into())
        .await;
    sent.unwrap().await.unwrap();
}

/// One tenant: its key, and by the route of each kind of thing what it has.
struct Tenant {
    name: &'static str,
    key: String,
    has: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Tenant {
    async fn of(door: &Door, name: &'static str) -> Self {
        let key = door.key(name, Role::Admin).await;
        let mut has = BTreeMap::<_, BTreeSet<String>>::new();
        for (route, list, field, names) in THINGS {
            let lists = if list == "/api/events" {
                let orders: &BTreeSet<String> = &has["/api/orders/{order}"];
                let id = |order: &String| order.trim_start_matches("/api/orders/").to_owned();
                orders
                    .iter()
                    .map(id)
                    .map(|id| format!("{list}?aggregate_id={id}"))
                    .collect()
            } else {
                vec![format!("{list}?limit=100")]
            };
            let mut found = BTreeSet::new();
            for list in lists {
                // Some lists are not cut into parts.
                let list = if matches!(route, "/api/users/{id}" | "/api/keys/{id}") {
                    list.trim_end_matches("?limit=100")
                } else {
                    &list
                };
                let answer = door.get(list, &key).await;
                for one in answer[field]
                    .as_array()
                    .unwrap_or_else(|| panic!("{list}: {answer}"))
                {
                    found.insert(filled(route, one, names));
                }
            }
            has.insert(route, found);
        }
        Self { name, key, has }
    }

    /// What it has and the other one has not, at a route: with everything that follows in the path.
    fn alone(&self, other: &Self, path: &str) -> Vec<String> {
        let end = path.rfind('}').expect("something is named") + 1;
        let (route, rest) = path.split_at(end);
        let own = self.has.get(route);
        let own = own.unwrap_or_else(|| panic!("{path}: say in THINGS where these are listed"));
        let of_other = &other.has[route];
        own.difference(of_other)
            .map(|one| format!("{one}{rest}"))
            .collect()
    }

    /// Ids of what it has and the other one has not: some of every kind.
    fn ids<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let all = self.has.iter();
        let all = all.flat_map(|(route, own)| own.difference(&other.has[route]).take(SOME));
        all.filter_map(|one| one.rsplit('/').next())
    }
}

/// The route with the names of one thing in it.
fn filled(route: &str, one: &Value, names: &[&str]) -> String {
    let begin = route.find('{').expect("something is named");
    let ids = names.iter().map(|name| {
        one[*name]
            .as_str()
            .unwrap_or_else(|| panic!("{route}: {name} in {one}"))
    });
    let ids: Vec<&str> = ids.collect();
    format!("{}{}", &route[..begin], ids.join("/"))
}

/// What tells one tenant's answers from another's: ids and traces.
fn marks(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .filter(|word| matches!(word.len(), 32 | 36) && Uuid::try_parse(word).is_ok())
        .collect()
}

/// What is asked at a route that names nothing in its path.
fn questions(path: &str, owner: &Tenant, stranger: &Tenant) -> Vec<String> {
    let ask = |name: &str| -> Vec<String> {
        owner
            .ids(stranger)
            .map(|id| format!("{path}?{name}={id}"))
            .collect()
    };
    match path {
        "/api/search" => ask("q"),
        "/api/events" => ask("aggregate_id"),
        "/api/clients/lookup-by-nit" => vec![format!("{path}?nit=900123456-8")],
        path => vec![path.to_owned()],
    }
}

/// What a change is sent with. Where nothing is said here, without a body.
fn body(path: &str) -> Option<Value> {
    let rest = path.rsplit('/').next().unwrap_or_default();
    match rest {
        "reveal" | "close" => Some(json!({ "reason": REASON })),
        "transitions" => Some(json!({ "transition": "close" })),
        "assignment" => Some(json!({ "agent": "x" })),
        "resolve" => Some(json!({ "resolution": "repeat", "reason": REASON })),
        "serial" => Some(json!({ "serial": "ABC123456" })),
        "void" => Some(json!({ "reason": REASON })),
        "told" => Some(json!({ "role": "client" })),
        "role" => Some(json!({ "role": "viewer" })),
        "recognize-serial" => Some(json!({ "document_id": Uuid::now_v7() })),
        _ if path == "/api/assets/{id}" => Some(json!({ "data": { "brand": "x" } })),
        _ => None,
    }
}

impl Door {
    /// The status, and the answer as text.
    async fn text(
        &self,
        method: &Method,
        path: &str,
        key: &str,
        is_form: bool,
        body: Option<Value>,
    ) -> (StatusCode, String) {
        let request = self
            .stage
            .http
            .request(method.clone(), format!("{}{path}", self.url));
        let request = request
            .bearer_auth(key)
            .header("idempotency-key", Uuid::now_v7().to_string());
        let request = match body {
            Some(body) => request.json(&body),
            None if is_form => request
                .header("content-type", "multipart/form-data; boundary=part")
                .body(form(path)),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (
            status,
            String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned(),
        )
    }
}

/// A form with the least that is a PDF; what is brought as a document says its kind as well.
fn form(path: &str) -> String {
    let pdf = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n45\n%%EOF\n";
    let file =
        "content-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\ncontent-type: application/pdf";
    let kind = match path.ends_with("/documents") {
        true => "--part\r\ncontent-disposition: form-data; name=\"kind\"\r\n\r\nother\r\n",
        false => "",
    };
    format!("--part\r\n{file}\r\n\r\n{pdf}\r\n{kind}--part--\r\n")
}

/// Both tenants, with something of every kind, and the document that the gateway serves.
async fn two() -> (Door, Tenant, Tenant, Value) {
    let door = Door::open().await;
    authorise(&door).await;
    live(&door, "algesta", [Person::on_cloud(21), Person::on_cloud(22)]).await;
    live(&door, "norte", [Person::of_norte(21), Person::of_norte(22)]).await;
    let algesta = Tenant::of(&door, "algesta").await;
    let norte = Tenant::of(&door, "norte").await;
    for (one, other) in [(&algesta, &norte), (&norte, &algesta)] {
        for route in one.has.keys() {
            assert!(
                !one.alone(other, route).is_empty(),
                "{} has nothing at {route}",
                one.name
            );
        }
    }
    let document = door.get("/api/openapi.json", &algesta.key).await;
    (door, algesta, norte, document)
}

/// Routes of the document by method, those that name something in their path apart.
fn routes(document: &Value, of_one: bool) -> Vec<(Method, &str, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            if path.contains('{') == of_one {
                all.push((method, path.as_str(), operation));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_tenant_is_reached_by_another_on_any_route() {
    let (door, algesta, norte, document) = two().await;
    let sides = [(&algesta, &norte), (&norte, &algesta)];

    // What is named in the path, read: its owner finds it, the other one does not.
    let mut reads = 0;
    for (_, path, _) in routes(&document, true)
        .into_iter()
        .filter(|(method, ..)| method == Method::GET)
    {
        let mut found = 0;
        for (owner, stranger) in sides {
            for one in owner.alone(stranger, path) {
                let (status, _) = door.text(&Method::GET, &one, &owner.key, false, None).await;
                found += usize::from(status.is_success());
                let (status, answer) = door.text(&Method::GET, &one, &stranger.key, false, None).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{one}: {answer}");
            }
        }
        assert!(found > 0, "nobody finds anything of their own at {path}");
        reads += 1;
    }
    assert!(reads >= 15, "{reads}");

    // Lists: each shows its reader's own, and nothing of what the other one is shown.
    for (_, path, _) in routes(&document, false)
        .into_iter()
        .filter(|(method, ..)| method == Method::GET)
    {
        if OF_NOBODY.contains(&path) {
            let (_, one) = door.text(&Method::GET, path, &algesta.key, false, None).await;
            let (_, other) = door.text(&Method::GET, path, &norte.key, false, None).await;
            assert_eq!(one, other, "{path}");
            continue;
        }
        let mut told_apart = false;
        for (owner, stranger) in sides {
            for question in questions(path, owner, stranger) {
                let (status, own) = door.text(&Method::GET, &question, &owner.key, false, None).await;
                assert!(status.is_success(), "{question}: {own}");
                let (status, shown) = door
                    .text(&Method::GET, &question, &stranger.key, false, None)
                    .await;
                assert!(status.is_success(), "{question}: {shown}");
                let (own_marks, asked) = (marks(&own), marks(&question));
                told_apart |= !own_marks.is_empty() || own.contains(owner.name);
                let both: Vec<_> = marks(&shown)
                    .into_iter()
                    .filter(|mark| own_marks.contains(mark) && !asked.contains(mark))
                    .collect();
                assert!(
                    both.is_empty(),
                    "{question} shows {} to {}: {both:?}",
                    owner.name,
                    stranger.name
                );
                assert!(
                    !shown.contains(owner.name),
                    "{question} for {}: {shown}",
                    stranger.name
                );
            }
        }
        assert_ne!(
            told_apart,
            WITHOUT_NAMES.contains(&path),
            "{path}: whose its answers are"
        );
    }
    door.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_tenant_is_changed_by_another_on_any_route() {
    let (door, algesta, norte, document) = two().await;
    let mut changes = 0;
    for (owner, stranger) in [(&algesta, &norte), (&norte, &algesta)] {
        let people = owner.alone(stranger, MAKES_ONES_OWN);
        let mut before = Vec::new();
        for person in &people {
            before.push(door.get(person, &owner.key).await);
        }
        for (method, path, operation) in routes(&document, true) {
            if method == Method::GET {
                continue;
            }
            let wanted = &operation["requestBody"];
            let form = wanted["content"].get("application/json").is_none() && wanted.is_object();
            let body = if form { None } else { body(path) };
            if (method.as_str(), path) == ("PUT", MAKES_ONES_OWN) {
                continue;
            }
            let told = body.is_some() || form || wanted["required"] != true;
            assert!(told, "{method} {path}: say in `body` what it is sent with");
            for one in owner.alone(stranger, path) {
                let (status, answer) = door.text(&method, &one, &stranger.key, form, body.clone()).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{method} {one}: {answer}");
                changes += 1;
            }
        }
        let other = json!({ "kind": "agent", "name": "Otra", "email": "otra@example.com" });
        for (person, before) in people.iter().zip(before) {
            let (status, answer) = door
                .send(Method::PUT, person, &stranger.key, Some(other.clone()))
                .await;
            assert_eq!(status, StatusCode::OK, "{person}: {answer}");
            assert_eq!(
                door.get(person, &owner.key).await,
                before,
                "each has a directory of its own"
            );
        }
    }
    assert!(changes > 100, "{changes}");
    door.fleet.stop().await;
}
