//! API keys, and the people of a tenant.

use puente_gateway::domain::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::Stage;

#[tokio::test]
async fn a_new_key_works_at_once_and_its_text_is_nowhere_in_the_database() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let answer = stage
        .post(
            "/api/keys",
            &admin,
            &json!({ "name": "ERP", "role": "viewer", "per_minute": 30 }),
        )
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let made: Value = answer.json().await.unwrap();
    let text = made["text"].as_str().unwrap();
    let me: Value = stage.get("/api/me", text).await.json().await.unwrap();
    assert_eq!(
        (&me["role"], &me["tenant"]),
        (&json!("viewer"), &json!("algesta"))
    );
    let secret = text.rsplit('_').next().unwrap();
    let rows: String = sqlx::query_scalar(
        "SELECT (SELECT string_agg(k::text, '') FROM gateway.api_keys k)
             || coalesce((SELECT string_agg(convert_from(body, 'UTF8'), '') FROM gateway.request_answers), '')
             || (SELECT string_agg(a::text, '') FROM gateway.audit a)",
    )
    .fetch_one(&stage.db.admin())
    .await
    .unwrap();
    assert!(rows.contains("ERP") && !rows.contains(secret));
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_request_on_and_the_trail_tells_who_did_it() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let made: Value = stage
        .post("/api/keys", &admin, &json!({ "name": "ERP", "role": "agent" }))
        .await
        .json()
        .await
        .unwrap();
    let (text, id) = (
        made["text"].as_str().unwrap(),
        made["key"]["id"].as_str().unwrap(),
    );
    assert_eq!(stage.get("/api/me", text).await.status(), StatusCode::OK);
    let path = format!("/api/keys/{id}/revoke");
    assert_eq!(
        stage.post(&path, &admin, &json!({})).await.status(),
        StatusCode::OK
    );
    assert_eq!(
        stage.get("/api/me", text).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let trail: Value = stage.get("/api/audit", &admin).await.json().await.unwrap();
    let actions: Vec<_> = trail["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].clone())
        .collect();
    assert_eq!(actions, ["key.revoked", "key.created"]);
    assert_eq!(trail["rows"][0]["object"], id);
    assert!(trail["rows"][0]["subject"].as_str().unwrap().starts_with("key:"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_name_of_the_field() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    for (body, field) in [
        (json!({ "name": "", "role": "agent" }), "name"),
        (json!({ "name": "x", "role": "king" }), "role"),
        (
            json!({ "name": "x", "role": "agent", "per_minute": 0 }),
            "per_minute",
        ),
        (
            json!({ "name": "x", "role": "agent", "expires_at": "2020-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (
            json!({ "name": "x", "role": "agent", "tenant": "norte" }),
            "tenant",
        ),
    ] {
        let answer = stage.post("/api/keys", &admin, &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem: Value = answer.json().await.unwrap();
        let told = format!("{} {}", problem["errors"][0]["field"], problem["detail"]);
        assert!(told.contains(field), "{body}: {problem}");
    }
}

#[tokio::test]
async fn an_end_that_no_calendar_holds_is_refused_like_one_that_has_passed() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let wanted = |end: &str| json!({ "name": "x", "role": "viewer", "expires_at": end });
    for end in ["9999-12-31T23:59:59-05:00", "0000-01-01T00:00:00+05:00"] {
        let answer = stage.post("/api/keys", &admin, &wanted(end)).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{end}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "expires_at");
    }
    for end in ["9999-12-31T23:59:59Z", "2026-11-21T00:00:00-05:00"] {
        let answer = stage.post("/api/keys", &admin, &wanted(end)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{end}");
    }
}

#[tokio::test]
async fn keys_are_listed_page_by_page_each_once() {
    let stage = Stage::set().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    stage.key(Some("norte"), Role::Viewer).await;
    for _ in 0..4 {
        stage.key(Some("algesta"), Role::Viewer).await;
    }
    let whole: Value = stage.get("/api/keys", &admin).await.json().await.unwrap();
    assert_eq!(whole["next_cursor"], "");
    let whole: Vec<Value> = whole["keys"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 5, "the tenant's own");
    let (mut told, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    while pages == 0 || !cursor.is_empty() {
        let path = format!("/api/keys?limit=2&cursor={cursor}");
        let page: Value = stage.get(&path, &admin).await.json().await.unwrap();
        told.extend(page["keys"].as_array().unwrap().clone());
        cursor = page["next_cursor"].as_str().unwrap().to_owned();
        pages += 1;
    }
    assert_eq!((pages, told), (3, whole));
    let foreign = stage.get("/api/keys?cursor=x", &admin).await;
    assert_eq!(foreign.status(), StatusCode::BAD_REQUEST);
}
