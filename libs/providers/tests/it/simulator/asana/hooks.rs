//! Webhooks: the handshake while the creating call is open, and signed reports of what people do.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use puente_ports::{HandshakeReply, InboundPayload, Outbound as _, OutboundRequest};
use puente_webhook_auth::RawRequest;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

use super::*;
use crate::conformance::task::stage as other_stage;
use crate::simulator::stage::{events, open_stage, wait_until};

/// Answers handshakes as the connection's adapter does, and keeps what else comes.
#[derive(Clone)]
struct Target {
    connection: Connection,
    got: Arc<Mutex<Vec<RawRequest>>>,
}

impl Target {
    #[expect(clippy::disallowed_methods, reason = "tests have no Runtime to spawn on")]
    async fn serve(connection: Connection) -> (String, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let target = Self {
            connection,
            got: Arc::default(),
        };
        let router = Router::new().fallback(receive).with_state(target.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, target)
    }
}

async fn receive(State(target): State<Target>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    let request = RawRequest {
        method: Method::POST,
        path: "/hook".to_owned(),
        query: String::new(),
        headers,
        body,
    };
    let webhook = find(SLUG).unwrap().webhook().unwrap();
    match webhook.handshake(&target.connection, &request) {
        Some(HandshakeReply::Header { name, value }) => [(name, value)].into_response(),
        Some(_) => StatusCode::FORBIDDEN.into_response(),
        None => {
            target.got.lock().unwrap().push(request);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// The connection with this secret of a webhook, or none.
fn secured(connection: &Connection, secret: Option<&str>) -> Connection {
    let mut connection = connection.clone();
    let others = connection
        .secrets
        .iter()
        .filter(|(name, _)| *name != "webhook_secret");
    let others: Vec<_> = others
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    let secret = secret.map(|secret| ("webhook_secret".to_owned(), Secret::new(secret)));
    connection.secrets = others.into_iter().chain(secret).collect();
    connection
}

/// What an operator calls once.
async fn subscribe(stage: &Stage, connection: &Connection, target: &str) -> (u16, Value) {
    let filters = json!([{"resource_type": "task", "action": "changed", "fields": ["completed", "assignee"]},
        {"resource_type": "task", "action": "deleted"}]);
    let body = json!({"data": {"resource": "1200", "target": target, "filters": filters}});
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, "Bearer fixture-asana-token".parse().unwrap());
    headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
    let request = OutboundRequest {
        operation: "webhooks.create",
        method: Method::POST,
        url: stage.url(SLUG, "/api/1.0/webhooks"),
        headers,
        body: body.to_string().into(),
    };
    let answer = stage.http.send(connection, request, DEADLINE).await.unwrap();
    (
        answer.status.as_u16(),
        serde_json::from_slice(&answer.body).unwrap(),
    )
}

#[tokio::test]
async fn a_webhook_begins_with_the_handshake_and_tells_signed_what_people_do() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let (url, target) = Target::serve(secured(&stage.connection(SLUG), None)).await;
    let (status, made) = subscribe(&stage, &target.connection, &url).await;
    assert_eq!(status, 201, "{made}");
    let active = secured(&target.connection, made["X-Hook-Secret"].as_str());
    let one = create(&stage, &active).await.unwrap();
    // Not asked for by the filters: nothing is told of it.
    change(&stage, &active, &one, &other_stage()).await.unwrap();
    for does in [
        json!({"completed": true}),
        json!({"assignee": null}),
        json!({"deleted": true}),
    ] {
        let path = format!("tasks/{}", one.task_id);
        assert_eq!(stage.control(Method::POST, SLUG, &path, does).await.0, 200);
    }
    wait_until(|| target.got.lock().unwrap().len() >= 4).await;
    let got = target.got.lock().unwrap().clone();
    let provider = find(SLUG).unwrap();
    let mut told: Vec<(String, String, String)> = Vec::new();
    for event in got
        .into_iter()
        .flat_map(|one| events(provider, &active, &stage.hub, one))
    {
        let InboundPayload::Task(task) = event.payload else {
            panic!("{event:?}")
        };
        assert_eq!(task.task_id, one.task_id);
        told.push((task.action, task.field, task.actor));
    }
    told.sort();
    let expected = [("changed", "assignee"), ("changed", "completed"), ("deleted", "")];
    let by_staff = |(what, field): (&str, &str)| (what.to_owned(), field.to_owned(), "3333".to_owned());
    assert_eq!(told, expected.map(by_staff));
}

#[tokio::test]
async fn where_a_webhook_is_there_no_other_ones_handshake_is_answered() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let (url, target) = Target::serve(connection.clone()).await;
    assert_eq!(subscribe(&stage, &connection, &url).await.0, 400);
    assert_eq!(
        subscribe(&stage, &connection, "http://localhost/hook").await.0,
        403
    );
    let (url, _) = Target::serve(secured(&connection, None)).await;
    assert_eq!(subscribe(&stage, &connection, &url).await.0, 201);
    assert_eq!(
        subscribe(&stage, &connection, &url).await.0,
        403,
        "one webhook per target"
    );
    assert!(target.got.lock().unwrap().is_empty());
}
