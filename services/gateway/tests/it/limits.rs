//! How often strangers may try.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::Stage;

#[tokio::test]
async fn attempts_to_get_in_are_counted_by_the_address_they_come_from() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 3)).await;
    let body = json!({ "email": "a@b.co", "password": "whatever it is" });
    for _ in 0..3 {
        let answer = stage
            .ask(Method::POST, "/api/session")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = stage
        .ask(Method::POST, "/api/session")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
    let forged = stage.get("/api/me", "pk_00_00").await;
    assert_eq!(
        forged.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "keys are guessed no more than passwords"
    );
}

#[tokio::test]
async fn whoever_is_let_in_is_not_held_up_by_strangers_at_the_same_address() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    let key = stage
        .key(Some("algesta"), puente_gateway::domain::Role::Viewer)
        .await;
    for _ in 0..3 {
        stage.get("/api/me", "pk_00_00").await;
    }
    assert_eq!(stage.get("/api/me", &key).await.status(), StatusCode::OK);
}
