//! Errors: one form for all of them.

use puente_gateway::domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Stage;

#[tokio::test]
async fn every_error_is_a_problem_with_a_stable_type() {
    let stage = Stage::set().await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let id = Uuid::now_v7();
    let ask = |method: Method, path: &str| {
        let request = stage.ask(method, path).bearer_auth(&key);
        request.header("idempotency-key", Uuid::now_v7().to_string())
    };
    let post = |path: &str| ask(Method::POST, path);
    let many = [
        (404, "not-found", ask(Method::GET, "/api/nothing")),
        (404, "not-found", ask(Method::GET, "/api/clients/not-an-id")),
        (
            404,
            "not-found",
            ask(Method::GET, &format!("/api/effects/nobody/{id}")),
        ),
        (405, "method-not-allowed", ask(Method::DELETE, "/api/orders")),
        (400, "invalid-request", ask(Method::GET, "/api/orders?limit=0")),
        (400, "invalid-request", ask(Method::GET, "/api/orders?limit=x")),
        (400, "invalid-request", ask(Method::GET, "/api/orders?colour=red")),
        (400, "invalid-request", ask(Method::GET, "/api/orders?search=%00")),
        (400, "invalid-request", ask(Method::GET, "/api/events")),
        (
            400,
            "invalid-request",
            ask(Method::GET, "/api/effects?cursor=zzz"),
        ),
        (
            400,
            "invalid-request",
            post("/api/keys")
                .header("content-type", "application/json")
                .body("{"),
        ),
        (415, "unsupported-media-type", post("/api/keys").body("name=x")),
        (422, "invalid-request", post("/api/keys").json(&json!([]))),
        (
            422,
            "invalid-request",
            post("/api/keys").json(&json!({ "name": "\u{0}", "role": "agent" })),
        ),
        (413, "too-long", post("/api/keys").body("x".repeat(70_000))),
        (503, "unavailable", ask(Method::GET, "/api/orders")),
        (
            503,
            "unavailable",
            ask(Method::GET, &format!("/api/messages/{id}")),
        ),
    ];
    for (status, slug, request) in many {
        let request = request.build().unwrap();
        let what = format!("{} {}", request.method(), request.url().path());
        let answer = stage.http.execute(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{what}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{what}"
        );
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(
            answer.headers().contains_key("retry-after"),
            status == 503,
            "{what}"
        );
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], format!("urn:puente:problem:{slug}"), "{what}");
        assert_eq!(problem["status"], status);
        assert!(problem["trace_id"].is_string() && problem["detail"].is_string());
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_told_those_it_knows() {
    let stage = Stage::set().await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let answer = stage
        .ask(Method::PUT, "/api/keys")
        .bearer_auth(key)
        .send()
        .await
        .unwrap();
    let allowed = answer.headers()["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn lists_of_all_services_name_those_that_are_away_instead_of_failing() {
    let stage = Stage::set().await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    for path in [
        "/api/dead-letters",
        "/api/effects",
        "/api/health",
        "/api/search?q=3001234567",
    ] {
        let answer = stage.get(path, &key).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let answer: Value = answer.json().await.unwrap();
        let away = answer["unavailable"].as_array().unwrap();
        assert!(
            away.contains(&json!("orders")) && away.contains(&json!("notifications")),
            "{path}: {answer}"
        );
    }
}
