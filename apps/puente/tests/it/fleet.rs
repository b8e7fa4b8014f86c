//! The commands that ask services, against a whole fleet that runs: from one webhook to its replay, and a key that
//! opens the gateway.

use std::path::Path;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use puente_testkit::wait_for;
use puente_types::{Clock as _, SystemClock};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::command::{Ran, folder};
use crate::whole::{Up, run};

const PATIENCE: Duration = Duration::from_secs(60);
/// The demo's connection of a tenant.
const PATH: &str = "/webhooks/whatsapp_cloud/algesta-whatsapp";
const APP_SECRET: &str = "demo-not-a-real-app-secret-algesta";
/// A person says hello, now: an old message would be outside the time in which it may be answered freely.
fn message() -> String {
    let now = SystemClock.now().unix_timestamp();
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
        "contacts": [{ "profile": { "name": "Ana Ruiz" }, "wa_id": "573001234567" }],
        "messages": [{ "from": "573001234567", "id": "wamid.ONE", "timestamp": now.to_string(), "type": "text",
            "text": { "body": "Hola" } }],
    });
    let entry = json!({ "id": "419561257915477", "changes": [{ "value": value, "field": "messages" }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

/// Posts the message, signed with this secret, and gives the status.
async fn post(url: &str, secret: &str) -> u16 {
    let message = message();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let proof = hex::encode(mac.finalize().into_bytes());
    let request = client()
        .post(url)
        .header("x-hub-signature-256", format!("sha256={proof}"));
    let request = request.header("content-type", "application/json");
    request.body(message).send().await.unwrap().status().as_u16()
}

fn client() -> reqwest::Client {
    puente_service::start_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs a command that must succeed, and gives its lines of JSON.
async fn told(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let (folder, given) = (folder.to_owned(), arguments.join("\u{1f}"));
    let ran = tokio::task::spawn_blocking(move || run(&folder, &given.split('\u{1f}').collect::<Vec<_>>()));
    let ran = ran.await.unwrap();
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
    lines(&ran)
}

async fn up(folder: &Path) -> (Up, Value) {
    let dir = folder.to_owned();
    let up = tokio::task::spawn_blocking(move || Up::start(&dir, &["--simulate"]))
        .await
        .unwrap();
    let state = std::fs::read(folder.join(".puente/state.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let endpoints = state.get("endpoints").unwrap().clone();
    (up, endpoints)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_webhook_is_seen_as_delivery_event_and_call_and_is_replayed_under_its_id_without_a_second_call() {
    let dir = folder();
    let (_up, endpoints) = up(dir.path()).await;
    let url = format!("{}{PATH}", text(&endpoints, "/webhooks"));
    assert_eq!(post(&url, APP_SECRET).await, 200);
    assert_eq!(post(&url, "forged").await, 401);

    let received = [
        "events",
        "tail",
        "messaging.message.received",
        "--since",
        "1h",
        "--json",
        "--count",
        "1",
    ];
    let event = told(dir.path(), &received).await.remove(0);
    assert_eq!(
        (text(&event, "/tenant"), text(&event, "/data/text")),
        ("algesta", "***")
    );

    let delivery = told(
        dir.path(),
        &["deliveries", "list", "--outcome", "accepted", "--json"],
    )
    .await
    .remove(0);
    let shown = told(
        dir.path(),
        &["deliveries", "show", text(&delivery, "/id"), "--json"],
    )
    .await
    .remove(0);
    assert_eq!(text(&shown, "/event_ids/0"), text(&event, "/id"));
    assert_eq!(text(&event, "/cause"), text(&delivery, "/id"));
    // What is refused is kept after its answer.
    wait_for("the refused delivery", PATIENCE, async || {
        let list = ["deliveries", "list", "--outcome", "refused", "--json"];
        let refused = told(dir.path(), &list).await;
        (refused.len() == 1).then_some(()).ok_or(refused)
    })
    .await;
    let foreign = told(dir.path(), &["deliveries", "list", "--tenant", "norte", "--json"]).await;
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(told(dir.path(), &["dlq", "list", "--json"]).await.is_empty());

    // Done or failed: the simulator does not know this person, who never wrote through it.
    let calls = async || {
        let calls = told(
            dir.path(),
            &[
                "effects", "list", "--state", "done", "--state", "failed", "--json",
            ],
        )
        .await;
        (!calls.is_empty()).then_some(calls)
    };
    let before = wait_for("the answer to be sent", PATIENCE, calls).await;
    let call = told(
        dir.path(),
        &["effects", "show", text(&before[0], "/id"), "--json"],
    )
    .await
    .remove(0);
    assert_eq!(
        (text(&call, "/service"), text(&call, "/provider")),
        ("notifications", "whatsapp_cloud")
    );
    assert!(!call.to_string().contains("573001234567"), "{call}");

    let replay = [
        "deliveries",
        "replay",
        "--since",
        "1h",
        "--reason",
        "shown in a test",
        "--yes",
        "--json",
    ];
    let replayed = told(dir.path(), &replay).await;
    assert_eq!(text(&replayed[0], "/plan/counts/same"), "1", "{replayed:?}");
    assert_eq!(text(&replayed[1], "/replay/state"), "done", "{replayed:?}");
    let mut again = received.to_vec();
    again[7] = "2";
    let events = told(dir.path(), &again).await;
    assert_eq!(text(&events[1], "/id"), text(&event, "/id"));
    assert_eq!(events[1].get("replay"), Some(&Value::Bool(true)));
    let after = told(dir.path(), &["effects", "list", "--json"]).await;
    assert_eq!(after.len(), before.len(), "nobody was answered twice: {after:?}");
}

/// What the audit trail tells an administrator of algesta about a key that this program made and revoked, newest first.
async fn trail(dir: &Path, endpoints: &Value, key: &str) -> Vec<String> {
    let admin = "keys create admin --tenant algesta --role admin --json";
    let admin = told(dir, &admin.split(' ').collect::<Vec<_>>()).await.remove(0);
    let url = format!("{}/api/audit?object={key}", text(endpoints, "/console"));
    let answer = client().get(&url).bearer_auth(text(&admin, "/text")).send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    let rows = answer.get("rows").and_then(Value::as_array).unwrap();
    for row in rows {
        assert!(text(row, "/subject").starts_with("tool:uid-"), "{row}");
        assert_eq!(text(row, "/tenant"), "algesta");
    }
    rows.iter().map(|row| text(row, "/action").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_here_opens_the_gateway_until_it_is_revoked_and_is_shown_once() {
    let dir = folder();
    let (_up, endpoints) = up(dir.path()).await;
    let made = [
        "keys",
        "create",
        "a program",
        "--tenant",
        "algesta",
        "--role",
        "viewer",
        "--json",
    ];
    let made = told(dir.path(), &made).await.remove(0);
    let secret = text(&made, "/text");
    assert!(secret.starts_with(&format!("pk_{}_", text(&made, "/prefix"))));
    let listed = told(dir.path(), &["keys", "list", "--tenant", "algesta", "--json"]).await;
    assert_eq!((listed.len(), text(&listed[0], "/id")), (1, text(&made, "/id")));
    assert!(!listed[0].to_string().contains(secret));
    assert!(
        told(dir.path(), &["keys", "list", "--tenant", "norte", "--json"])
            .await
            .is_empty()
    );

    let url = format!("{}/api/orders", text(&endpoints, "/console"));
    let status = async || {
        client()
            .get(&url)
            .bearer_auth(secret)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(status().await, 200);
    told(dir.path(), &["keys", "revoke", text(&made, "/prefix"), "--json"]).await;
    assert_eq!(status().await, 401);
    assert_eq!(
        trail(dir.path(), &endpoints, text(&made, "/id")).await,
        ["key.revoked", "key.created"],
        "the tenant's administrators see both"
    );
    let again = run(dir.path(), &["keys", "revoke", "nobody"]);
    assert_eq!(
        (again.code, again.err.contains("no such key")),
        (1, true),
        "{}",
        again.err
    );
}
