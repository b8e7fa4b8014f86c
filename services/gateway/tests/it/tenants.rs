//! Tenant against tenant, and who may choose one.

use puente_gateway::domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Stage;

#[tokio::test]
async fn nothing_of_another_tenant_is_seen_or_changed() {
    let stage = Stage::set().await;
    let ours = stage.key(Some("algesta"), Role::Admin).await;
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let made: Value = stage
        .post("/api/keys", &theirs, &json!({ "name": "suyo", "role": "agent" }))
        .await
        .json()
        .await
        .unwrap();
    let person = stage.person(Some("norte"), Role::Agent, "luis@norte.co").await;
    for path in ["/api/keys", "/api/users", "/api/audit"] {
        let seen = stage.get(path, &ours).await.text().await.unwrap();
        assert!(
            !seen.contains("norte") && !seen.contains("suyo"),
            "{path}: {seen}"
        );
        let seen = stage.get(path, &theirs).await.text().await.unwrap();
        assert!(seen.contains("norte"), "{path}: {seen}");
    }
    let key = made["key"]["id"].as_str().unwrap();
    for (path, body) in [
        (format!("/api/keys/{key}/revoke"), json!({})),
        (
            format!("/api/users/{}/role", person.id),
            json!({ "role": "viewer" }),
        ),
        (format!("/api/users/{}/disable", person.id), json!({})),
        (format!("/api/users/{}/password", person.id), json!({})),
    ] {
        let answer = stage.post(&path, &ours, &body).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(
        stage
            .get("/api/me", made["text"].as_str().unwrap())
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn only_the_installations_people_and_programs_choose_a_tenant() {
    let stage = Stage::set().await;
    let operator = stage.key(None, Role::Admin).await;
    let bound = stage.key(Some("algesta"), Role::Admin).await;
    let me = |key: String, tenant: &'static str| {
        let request = stage.ask(Method::GET, "/api/me").bearer_auth(key);
        async move {
            let answer = request.header("puente-tenant", tenant).send().await.unwrap();
            (
                answer.status(),
                answer.json::<Value>().await.unwrap()["tenant"].clone(),
            )
        }
    };
    assert_eq!(
        me(operator.clone(), "norte").await,
        (StatusCode::OK, json!("norte"))
    );
    assert_eq!(me(operator.clone(), "").await, (StatusCode::OK, Value::Null));
    assert_eq!(me(bound, "norte").await, (StatusCode::OK, json!("algesta")));
    assert_eq!(me(operator, "../norte").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn whoever_narrowed_themselves_makes_keys_and_people_of_that_tenant() {
    let stage = Stage::set().await;
    let operator = stage.key(None, Role::Admin).await;
    let request = stage.ask(Method::POST, "/api/keys").bearer_auth(&operator);
    let request = request
        .header("puente-tenant", "norte")
        .header("idempotency-key", "k");
    let made = request
        .json(&json!({ "name": "x", "role": "agent" }))
        .send()
        .await
        .unwrap();
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["key"]["tenant"], "norte");
}
