//! Deliveries done again, over REST.

use puente_gateway::domain::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tonic::Status;

use crate::office::delivery;
use crate::support::Stage;

fn filter() -> Value {
    json!({ "outcomes": ["ignored", "malformed"], "since": "2026-11-19T00:00:00Z" })
}

#[tokio::test]
async fn a_plan_tells_what_a_replay_would_do_and_begins_nothing() {
    let (stage, office) = Stage::with_traffic().await;
    office.tables().deliveries = (1..=3).map(|n| delivery(n, n)).collect();
    office.tables().deliveries[0].outcome = "ignored".to_owned();
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let answer = stage.post("/api/replays/plan", &key, &filter()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let plan: Value = answer.json().await.unwrap();
    let counts = &plan["counts"];
    assert_eq!((&counts["deliveries"], &counts["same"]), (&json!(1), &json!(1)));
    assert!(stage.trail().await.is_empty() && office.tables().replays.is_empty());
    let mut late = filter();
    late["until"] = json!("9999-12-31T23:59:59-05:00");
    let answer = stage.post("/api/replays/plan", &key, &late).await;
    assert!(!answer.status().is_server_error(), "{}", answer.status());
}

#[tokio::test]
async fn a_replay_that_is_cancelled_stays_cancelled_and_the_trail_tells_who_began_and_ended_it() {
    let (stage, _office) = Stage::with_traffic().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let body = json!({ "filter": filter(), "reason": "translated anew" });
    let started = stage.post("/api/replays", &key, &body).await;
    assert_eq!(started.status(), StatusCode::OK);
    let started: Value = started.json().await.unwrap();
    assert_eq!(started["state"], "running");
    let id = started["id"].as_str().unwrap();
    let path = format!("/api/replays/{id}/cancel");
    let cancelled = stage.post(&path, &key, &json!({})).await;
    assert_eq!(cancelled.status(), StatusCode::OK);
    let cancelled: Value = cancelled.json().await.unwrap();
    assert_eq!(
        (&cancelled["id"], &cancelled["state"]),
        (&json!(id), &json!("cancelled"))
    );
    let found = stage.get(&format!("/api/replays/{id}"), &key).await;
    assert_eq!(found.json::<Value>().await.unwrap()["state"], "cancelled");
    let trail = stage.trail().await;
    let rows: Vec<_> = trail.iter().map(|row| (row.0.as_str(), row.2.as_str())).collect();
    assert_eq!(rows, [("replay.started", "replay"), ("replay.cancelled", id)]);
    let nobody = "/api/replays/019469d2-0000-7000-8000-000000000001/cancel";
    let missing = stage.post(nobody, &key, &json!({})).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_replay_too_many_is_a_conflict_with_its_reason() {
    let (stage, office) = Stage::with_traffic().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    office.tables().no_replay = Some(Status::failed_precondition("too many replays run already"));
    let body = json!({ "filter": filter(), "reason": "translated anew" });
    let answer = stage.post("/api/replays", &key, &body).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(!answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["detail"], "too many replays run already");
}
