//! Every route × every role, and everybody who has no role: the documented answer, and no other.

use puente_gateway::domain::{Right, Role, may};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::document::operations;
use crate::support::Stage;

fn right(word: &str) -> Right {
    Right::ALL
        .into_iter()
        .find(|right| format!("{right:?}") == word)
        .unwrap()
}

/// A request that gets past everything but the body's own checks.
fn request(stage: &Stage, method: &Method, path: &str) -> RequestBuilder {
    let request = stage.ask(method.clone(), path);
    if *method == Method::GET {
        return request;
    }
    let key = Uuid::now_v7().to_string();
    request
        .header("idempotency-key", key)
        .json(&json!({ "nonsense": true }))
}

async fn problem(answer: reqwest::Response) -> Value {
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/problem+json");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn every_role_reaches_the_routes_of_its_rights_and_is_refused_on_all_others() {
    let stage = Stage::set().await;
    let operations = operations(&stage).await;
    let mut refused = 0;
    for role in Role::ALL {
        let key = stage.key(Some("algesta"), role).await;
        for (method, path, needed, operation) in &operations {
            let answer = request(&stage, method, path)
                .bearer_auth(&key)
                .send()
                .await
                .unwrap();
            let status = answer.status();
            let allowed = needed.as_deref().is_none_or(|word| may(role, right(word)));
            if allowed {
                assert!(
                    ![StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
                    "{role} {method} {path}: {status}"
                );
                let documented = operation["responses"].get(status.as_str()).is_some();
                assert!(documented, "{role} {method} {path}: {status}");
            } else {
                assert_eq!(status, StatusCode::FORBIDDEN, "{role} {method} {path}");
                assert_eq!(problem(answer).await["type"], "urn:puente:problem:forbidden");
                refused += 1;
            }
        }
    }
    assert!(refused > 80, "{refused}");
}

#[tokio::test]
async fn whoever_has_no_good_key_is_refused_on_every_route() {
    let stage = Stage::set().await;
    let tenant = Some("algesta");
    let good = stage.key(tenant, Role::Admin).await;
    let expired = stage
        .key_with(
            tenant,
            Role::Admin,
            600,
            Some(crate::support::NOW + time::Duration::minutes(5)),
        )
        .await;
    let revoked = stage.key(tenant, Role::Admin).await;
    let scope = puente_rpc::Scope::Installation;
    let prefix = revoked.split('_').nth(1).unwrap();
    puente_gateway::keys::revoke(&stage.pool, &scope, prefix, crate::support::NOW)
        .await
        .unwrap()
        .unwrap();
    stage.clock.advance(std::time::Duration::from_secs(600));
    let mut forged = good.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    let cookie = format!("puente_session={}", "0".repeat(64));

    for (method, path, _, operation) in operations(&stage).await {
        if operation.get("security").is_none() {
            continue;
        }
        let bare = || request(&stage, &method, &path);
        let many = [
            ("nothing", bare()),
            ("a forged key", bare().bearer_auth(&forged)),
            ("an expired key", bare().bearer_auth(&expired)),
            ("a revoked key", bare().bearer_auth(&revoked)),
            ("a key that is none", bare().bearer_auth("pk_")),
            ("another scheme", bare().basic_auth("a", Some("b"))),
            ("a made-up session", bare().header("cookie", &cookie)),
            ("two keys", bare().bearer_auth(&good).bearer_auth(&forged)),
        ];
        for (what, request) in many {
            let answer = request.send().await.unwrap();
            assert_eq!(
                answer.status(),
                StatusCode::UNAUTHORIZED,
                "{what}: {method} {path}"
            );
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            assert_eq!(
                problem(answer).await["type"],
                "urn:puente:problem:unauthenticated"
            );
        }
    }
    assert_eq!(stage.get("/api/me", &good).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_key_over_its_quota_is_refused_on_every_route_and_told_when_to_come_back() {
    let stage = Stage::set().await;
    let key = stage.key_with(Some("algesta"), Role::Admin, 1, None).await;
    let first = stage.get("/api/me", &key).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["ratelimit-limit"], "1");
    assert_eq!(first.headers()["ratelimit-remaining"], "0");
    for (method, path, _, operation) in operations(&stage).await {
        if operation.get("security").is_none() {
            continue;
        }
        let answer = request(&stage, &method, &path)
            .bearer_auth(&key)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{method} {path}");
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(
            problem(answer).await["type"],
            "urn:puente:problem:too-many-requests"
        );
    }
}
