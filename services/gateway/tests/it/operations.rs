//! What services tell of their own work, over REST: lists of several services page by page, and what a person decides.

use puente_gateway::domain::Role;
use puente_proto::operations::Effect;
use puente_proto::timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::office::{event, letter};
use crate::support::{NOW, Stage};

/// A call of this id that was asked for so many seconds after noon.
fn effect(id: Uuid, state: &str, seconds: i64) -> Effect {
    Effect {
        id: id.to_string(),
        tenant: "algesta".to_owned(),
        provider: "asana".to_owned(),
        operation: "create_task".to_owned(),
        state: state.to_owned(),
        created_at: Some(timestamp(NOW + Duration::seconds(seconds))),
        ..Effect::default()
    }
}

/// The ids of a list, read to its end in pages of so many.
async fn ids(stage: &Stage, key: &str, path: &str, list: &str, limit: usize) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for _ in 0..50 {
        let page = format!("{path}limit={limit}&cursor={cursor}");
        let answer = stage.get(&page, key).await;
        assert_eq!(answer.status(), StatusCode::OK, "{page}");
        let answer: Value = answer.json().await.unwrap();
        let items = answer[list].as_array().unwrap();
        assert!(items.len() <= limit);
        ids.extend(items.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        cursor = answer["next_cursor"].as_str().unwrap().to_owned();
        // The services that are away here are asked again and again: nothing else is left.
        if items.is_empty() {
            return ids;
        }
    }
    assert_eq!(ids, [""], "{path} does not end");
    ids
}

#[tokio::test]
async fn calls_of_several_services_are_told_once_each_though_their_times_run_against_their_ids() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    // Newest first by id, as services page; transactions that overlap have their times the other way round.
    let made: Vec<Uuid> = (0..9).map(|_| Uuid::now_v7()).collect();
    for (n, id) in (0_i64..).zip(&made).collect::<Vec<_>>().into_iter().rev() {
        let service = if n % 3 == 0 { "orders" } else { "sync" };
        office.tables().effects.push((service, effect(*id, "due", n ^ 3)));
    }
    let newest_first: Vec<String> = made.iter().rev().map(ToString::to_string).collect();
    for limit in [1, 2, 3, 100] {
        let told = ids(&stage, &key, "/api/effects?", "effects", limit).await;
        assert_eq!(told, newest_first, "{limit}");
    }
}

#[tokio::test]
async fn calls_in_doubt_are_counted_once_on_every_page() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let mut made: Vec<Uuid> = (0..7).map(|_| Uuid::now_v7()).collect();
    made.reverse();
    office.tables().effects = made
        .iter()
        .map(|id| ("sync", effect(*id, "unknown", 0)))
        .collect();
    let first = stage.get("/api/effects?limit=2", &key).await;
    let first: Value = first.json().await.unwrap();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/effects?limit=3&cursor={cursor}");
    let second: Value = stage.get(&path, &key).await.json().await.unwrap();
    assert_eq!((&first["unknown"], &second["unknown"]), (&json!(7), &json!(7)));
}

#[tokio::test]
async fn a_call_in_doubt_is_decided_once_and_the_trail_tells_what_was_decided() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    for (word, state) in [("repeat", "due"), ("confirm", "done"), ("close", "closed")] {
        let id = Uuid::now_v7();
        office.tables().effects = vec![("sync", effect(id, "unknown", 0))];
        let path = format!("/api/effects/sync/{id}/resolve");
        let body = json!({ "resolution": word, "reason": "seen at the provider" });
        let answer = stage.post(&path, &key, &body).await;
        assert_eq!(answer.status(), StatusCode::OK, "{word}");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "resolved": true }));
        let told = format!("{state} {id} because: seen at the provider");
        assert_eq!(office.done().last(), Some(&told));
        let row = stage.trail().await.pop().unwrap();
        assert_eq!((row.0.as_str(), row.2), ("effect.resolved", id.to_string()));
        assert_eq!(row.3.unwrap(), json!({ "service": "sync", "resolution": word }));
        let again = stage.post(&path, &key, &body).await;
        assert_eq!(again.status(), StatusCode::CONFLICT, "{word}");
        let elsewhere = format!("/api/effects/orders/{id}/resolve");
        let elsewhere = stage.post(&elsewhere, &key, &body).await;
        assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND, "{word}");
    }
}

#[tokio::test]
async fn a_dead_letter_is_handled_again_or_left_and_each_leaves_its_row() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let [good, bad, left] = [(); 3].map(|()| Uuid::now_v7().to_string());
    office.tables().letters = [&good, &bad, &left].map(|id| letter(id)).to_vec();
    office.tables().stubborn = vec![bad.clone()];
    let path = |id: &str, act: &str| format!("/api/dead-letters/orders/orders/{id}/{act}");
    for (id, handled) in [(&good, true), (&bad, false)] {
        let answer = stage.post(&path(id, "retry"), &key, &json!({})).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.json::<Value>().await.unwrap()["handled"], handled);
    }
    let bare = json!({ "reason": "x" });
    let bare = stage.post(&path(&left, "close"), &key, &bare).await;
    assert_eq!(bare.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let reason = json!({ "reason": "a message of a test" });
    let closed = stage.post(&path(&left, "close"), &key, &reason).await;
    assert_eq!(closed.status(), StatusCode::OK);
    assert_eq!(closed.json::<Value>().await.unwrap(), json!({ "closed": true }));
    assert_eq!(
        office.done(),
        [format!("retried {good}"), format!("closed {left}")]
    );
    let trail = stage.trail().await;
    let rows: Vec<_> = trail.iter().map(|row| (row.0.as_str(), row.2.as_str())).collect();
    let expected = [
        ("dead_letter.retried", good.as_str()),
        ("dead_letter.retried", bad.as_str()),
        ("dead_letter.closed", left.as_str()),
    ];
    assert_eq!(rows, expected);
    let waiting: Value = stage.get("/api/dead-letters", &key).await.json().await.unwrap();
    let letters = waiting["letters"].as_array().unwrap();
    let letters: Vec<_> = letters.iter().map(|one| &one["event_id"]).collect();
    assert_eq!((letters, &waiting["waiting"]), (vec![&json!(bad)], &json!(1)));
}

#[tokio::test]
async fn events_of_several_services_go_on_where_a_page_ended_oldest_first() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let mut expected = Vec::new();
    // Many are committed in one transaction: the same moment, one after the other.
    for n in 0..11 {
        let service = if n < 4 || n == 9 { "orders" } else { "sync" };
        let one = event(n / 4, n);
        expected.push(one.id.clone());
        office.tables().events.push((service, one));
    }
    for limit in [1, 2, 4, 100] {
        let told = ids(&stage, &key, "/api/events?aggregate_id=o1&", "events", limit).await;
        assert_eq!(told, expected, "{limit}");
    }
}
