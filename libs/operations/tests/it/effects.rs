//! Calls to providers: one list over those under way and those that ended.

use puente_proto::operations::{Effect, GetEffectRequest, ListEffectsRequest, ListEffectsResponse};
use sqlx::types::Uuid;
use tonic::{Code, Status};

use crate::support::{Asking, Stage, ask, code};

/// Calls under way, each asked for later than the one before; `from` is the first one's number.
async fn queue(stage: &Stage, tenant: &str, from: i32, count: i32, state: &str) {
    for n in from..from + count {
        sqlx::query(
            r#"INSERT INTO effects (id, tenant, key, provider, connection, operation, subject_id, payload, state, attempts,
                                    called_at, error_class, traceparent)
               VALUES ($1, $2, $2 || '-' || $3::int, CASE $3 % 2 WHEN 0 THEN 'even' ELSE 'odd' END, 'acme', 'messages.send',
                       's' || $3, '{"phone": "+573001234567", "text": "Hola Laura", "form": "session"}', $4, 1, now(),
                       'timeout', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')"#,
        )
        .bind(Uuid::now_v7())
        .bind(tenant)
        .bind(n)
        .bind(state)
        .execute(&stage.pool)
        .await
        .unwrap();
    }
}

/// As many of the oldest calls under way come to this end.
async fn end(stage: &Stage, count: i32, outcome: &str) {
    sqlx::query(
        "WITH gone AS (DELETE FROM effects WHERE id IN (SELECT id FROM effects ORDER BY id LIMIT $1) RETURNING *)
         INSERT INTO effects_history (id, tenant, key, provider, connection, operation, subject_id, outcome, attempts, settled_by,
                                      created_at, called_at, priority, traceparent)
         SELECT id, tenant, key, provider, connection, operation, subject_id, $2, attempts, 'call', created_at, called_at, priority,
                traceparent
         FROM gone",
    )
    .bind(count)
    .bind(outcome)
    .execute(&stage.pool)
    .await
    .unwrap();
}

async fn list(asking: &Asking, page_size: u32, cursor: &str) -> Result<ListEffectsResponse, Status> {
    let question = ListEffectsRequest {
        page_size,
        cursor: cursor.to_owned(),
        ..ListEffectsRequest::default()
    };
    ask!(asking, list_effects, question)
}

async fn with_states(asking: &Asking, states: &[&str]) -> Result<ListEffectsResponse, Status> {
    let question = ListEffectsRequest {
        states: states.iter().map(|state| (*state).to_owned()).collect(),
        ..ListEffectsRequest::default()
    };
    ask!(asking, list_effects, question)
}

async fn get(asking: &Asking, id: &str) -> Result<Effect, Status> {
    let question = GetEffectRequest { id: id.to_owned() };
    ask!(asking, get_effect, question).map(|answer| answer.effect.unwrap())
}

fn keys(page: &ListEffectsResponse) -> Vec<&str> {
    page.effects.iter().map(|effect| effect.key.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lose_and_repeat_nothing_while_calls_come_and_end() {
    let stage = Stage::set().await;
    queue(&stage, "acme", 1, 60, "due").await;
    end(&stage, 20, "done").await;
    let acme = stage.of("acme");
    let first = list(&acme, 25, "").await.unwrap();
    queue(&stage, "acme", 61, 5, "due").await;
    end(&stage, 30, "failed").await;
    let second = list(&acme, 25, &first.next_cursor).await.unwrap();
    end(&stage, 10, "done").await;
    let third = list(&acme, 25, &second.next_cursor).await.unwrap();
    assert_eq!(third.next_cursor, "");
    let seen: Vec<&str> = [&first, &second, &third].into_iter().flat_map(keys).collect();
    let wanted: Vec<String> = (1..=60).rev().map(|n| format!("acme-{n}")).collect();
    assert_eq!(seen, wanted);
    assert_eq!(
        list(&acme, 0, "").await.unwrap().effects.len(),
        50,
        "the usual size"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_chosen_by_state_provider_and_aggregate() {
    let stage = Stage::set().await;
    queue(&stage, "acme", 1, 6, "due").await;
    end(&stage, 2, "done").await;
    end(&stage, 2, "failed").await;
    queue(&stage, "acme", 7, 2, "unknown").await;
    let acme = stage.of("acme");
    for (states, wanted) in [
        (&["due"][..], &["acme-6", "acme-5"][..]),
        (&["unknown", "failed"], &["acme-8", "acme-7", "acme-4", "acme-3"]),
        (&["failed", "closed"], &["acme-4", "acme-3"]),
        (&["done"], &["acme-2", "acme-1"]),
        (&["calling"], &[]),
    ] {
        let page = with_states(&acme, states).await.unwrap();
        assert_eq!(keys(&page), wanted, "{states:?}");
        assert_eq!(page.unknown, 2);
    }
    assert_eq!(code(with_states(&acme, &["lost"]).await), Code::InvalidArgument);
    let odd = ListEffectsRequest {
        provider: "odd".into(),
        states: vec!["done".into(), "due".into()],
        ..ListEffectsRequest::default()
    };
    assert_eq!(
        keys(&ask!(acme, list_effects, odd).unwrap()),
        ["acme-5", "acme-1"]
    );
    let about = ListEffectsRequest {
        subject_id: "s3".into(),
        ..ListEffectsRequest::default()
    };
    assert_eq!(keys(&ask!(acme, list_effects, about).unwrap()), ["acme-3"]);
    assert_eq!(code(list(&acme, 0, "AWwAAA").await), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_shown_to_its_tenant_with_a_payload_that_tells_nothing_of_anybody() {
    let stage = Stage::set().await;
    queue(&stage, "acme", 1, 2, "unknown").await;
    queue(&stage, "norte", 1, 1, "due").await;
    end(&stage, 1, "done").await;
    let (acme, norte) = (stage.of("acme"), stage.of("norte"));
    let ours = list(&acme, 0, "").await.unwrap();
    assert_eq!((keys(&ours), ours.unknown), (vec!["acme-2", "acme-1"], 1));
    let theirs = list(&norte, 0, "").await.unwrap();
    assert_eq!((keys(&theirs), theirs.unknown), (vec!["norte-1"], 0));
    assert_eq!(list(&stage.operator(), 0, "").await.unwrap().effects.len(), 3);
    for effect in &ours.effects {
        assert_eq!(effect.payload_redacted, "", "not in a list");
        assert_eq!(code(get(&norte, &effect.id).await), Code::NotFound);
    }
    let live = get(&acme, &ours.effects[0].id).await.unwrap();
    let shown: serde_json::Value = serde_json::from_str(&live.payload_redacted).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({"phone": "*************", "text": "**********", "form": "session"})
    );
    assert_eq!(
        (
            live.state.as_str(),
            live.error_class.as_str(),
            live.priority.as_str()
        ),
        ("unknown", "timeout", "normal")
    );
    assert_eq!(live.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(live.settled_at.is_none() && live.not_before.is_none() && live.called_at.is_some());
    let ended = get(&acme, &ours.effects[1].id).await.unwrap();
    assert_eq!(
        (
            ended.state.as_str(),
            ended.settled_by.as_str(),
            ended.priority.as_str()
        ),
        ("done", "call", "normal")
    );
    assert!(ended.settled_at.is_some() && ended.payload_redacted.is_empty());
    assert!(
        get(&norte, &theirs.effects[0].id)
            .await
            .unwrap()
            .not_before
            .is_some()
    );
    assert_eq!(code(get(&acme, "7").await), Code::InvalidArgument);
}
