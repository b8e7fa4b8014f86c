//! Repeated writes.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::Stage;

async fn create(stage: &Stage, key: &str, repeated: Option<&str>, body: &Value) -> Response {
    let request = stage.ask(Method::POST, "/api/keys").bearer_auth(key).json(body);
    let request = match repeated {
        Some(repeated) => request.header("idempotency-key", repeated),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_repeated_write_gets_the_first_answer_and_has_no_second_effect() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "name": "ERP", "role": "agent" });
    let first: Value = create(&stage, &admin, Some("k1"), &body)
        .await
        .json()
        .await
        .unwrap();
    let again = create(&stage, &admin, Some("k1"), &body).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["key"], first["key"]);
    assert!(again.get("text").is_none(), "a secret is told once: {again}");
    let keys: Value = stage.get("/api/keys", &admin).await.json().await.unwrap();
    assert_eq!(
        keys["keys"].as_array().unwrap().len(),
        2,
        "the administrator's own, and one"
    );
}

#[tokio::test]
async fn the_same_key_for_another_request_is_refused_and_another_callers_key_is_another_key() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let other = stage.key(Some("norte"), Role::Admin).await;
    let body = json!({ "name": "ERP", "role": "agent" });
    create(&stage, &admin, Some("k1"), &body).await;
    let changed = json!({ "name": "ERP", "role": "admin" });
    let refused = create(&stage, &admin, Some("k1"), &changed).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "urn:puente:problem:idempotency-key-reused");
    let theirs: Value = create(&stage, &other, Some("k1"), &body)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(theirs["key"]["tenant"], "norte");
}

#[tokio::test]
async fn a_write_without_a_usable_key_is_refused_before_anything_is_done() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "name": "ERP", "role": "agent" });
    for key in [None, Some(""), Some("with space"), Some("x".repeat(201).as_str())] {
        let answer = create(&stage, &admin, key, &body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{key:?}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "idempotency-key");
    }
    let keys: Value = stage.get("/api/keys", &admin).await.json().await.unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_write_is_refused_again_with_the_same_words() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "name": "", "role": "agent" });
    let first: Value = create(&stage, &admin, Some("k1"), &body)
        .await
        .json()
        .await
        .unwrap();
    let again = create(&stage, &admin, Some("k1"), &body).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again.headers()["content-type"], "application/problem+json");
    assert_eq!(again.json::<Value>().await.unwrap()["detail"], first["detail"]);
}

#[tokio::test]
async fn of_many_at_once_one_is_done() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "name": "ERP", "role": "agent" });
    let many = (0..8).map(|_| create(&stage, &admin, Some("k1"), &body));
    for answer in futures::future::join_all(many).await {
        assert!(
            [StatusCode::OK, StatusCode::CONFLICT].contains(&answer.status()),
            "{answer:?}"
        );
    }
    let keys: Value = stage.get("/api/keys", &admin).await.json().await.unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}
