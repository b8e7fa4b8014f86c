//! People of a tenant, managed by its administrators.

use puente_gateway::domain::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Stage};

#[tokio::test]
async fn a_new_person_logs_in_with_the_password_that_was_told_once() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "email": "ana@algesta.co", "name": "Ana", "role": "agent" });
    let made: Value = stage
        .post("/api/users", &admin, &body)
        .await
        .json()
        .await
        .unwrap();
    let password = made["password"].as_str().unwrap();
    stage.log_in("ANA@algesta.co", password).await.unwrap();
    let again = stage.post("/api/users", &admin, &body).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let listed: Value = stage.get("/api/users", &admin).await.json().await.unwrap();
    assert_eq!(listed["users"][0]["tenant"], "algesta");
    assert!(!listed.to_string().contains("argon2"), "{listed}");
}

#[tokio::test]
async fn another_role_holds_from_the_next_request_on_and_the_trail_has_before_and_after() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let ana = stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let (cookie, _) = stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();
    let path = format!("/api/users/{}/role", ana.id);
    let changed = stage.post(&path, &admin, &json!({ "role": "viewer" })).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let me = stage
        .ask(reqwest::Method::GET, "/api/me")
        .header("cookie", cookie);
    let me: Value = me.send().await.unwrap().json().await.unwrap();
    assert_eq!(me["role"], "viewer");
    let trail: Value = stage.get("/api/audit", &admin).await.json().await.unwrap();
    let row = &trail["rows"][0];
    assert_eq!(
        (&row["before"]["role"], &row["after"]["role"]),
        (&json!("agent"), &json!("viewer"))
    );
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once_and_nobody_disables_themselves() {
    let stage = Stage::set().await;
    let boss = stage
        .person(Some("algesta"), Role::Admin, "boss@algesta.co")
        .await;
    let ana = stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let (hers, _) = stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();
    let (cookie, csrf) = stage.log_in("boss@algesta.co", PASSWORD).await.unwrap();
    let disable = |id: uuid::Uuid| {
        let request = stage.ask(reqwest::Method::POST, &format!("/api/users/{id}/disable"));
        let request = request.header("cookie", &cookie).header("x-csrf-token", &csrf);
        request.header("idempotency-key", id.to_string()).send()
    };
    assert_eq!(disable(boss.id).await.unwrap().status(), StatusCode::CONFLICT);
    assert_eq!(disable(ana.id).await.unwrap().status(), StatusCode::OK);
    let me = stage.ask(reqwest::Method::GET, "/api/me").header("cookie", hers);
    assert_eq!(me.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        stage.log_in("ana@algesta.co", PASSWORD).await,
        Err(StatusCode::UNAUTHORIZED)
    );
}

#[tokio::test]
async fn people_are_listed_page_by_page_each_once() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let mut expected = Vec::new();
    for n in 0..3 {
        let email = format!("p{n}@algesta.co");
        let one = stage.person(Some("algesta"), Role::Agent, &email).await;
        expected.insert(0, json!(one.id));
    }
    stage.person(Some("norte"), Role::Agent, "p@norte.co").await;
    let first = stage.get("/api/users?limit=2", &admin).await;
    let first: Value = first.json().await.unwrap();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/users?limit=2&cursor={cursor}");
    let second: Value = stage.get(&path, &admin).await.json().await.unwrap();
    assert_eq!(second["next_cursor"], "");
    let pages = [&first, &second].map(|page| page["users"].as_array().unwrap().clone());
    let told: Vec<Value> = pages.concat().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(told, expected);
}
