//! How connections do: figures from rows that are known.

use puente_operations::Breaker;
use puente_proto::operations::{ConnectionHealth, ListConnectionHealthRequest};
use puente_proto::{instant, timestamp};
use puente_types::{Clock as _, SystemClock};
use sqlx::types::time::OffsetDateTime;

use crate::support::{Asking, Stage, ask, breaker};

async fn health(asking: &Asking, window_seconds: u32) -> Vec<ConnectionHealth> {
    let question = ListConnectionHealthRequest { window_seconds };
    ask!(asking, list_connection_health, question)
        .unwrap()
        .connections
}

/// Ended calls: outcome, milliseconds it took, seconds since its end, class of the failure.
async fn ended(stage: &Stage, tenant: &str, connection: &str, calls: &[(&str, i32, i32, Option<&str>)]) {
    for (outcome, took, ago, class) in calls {
        sqlx::query(
            "INSERT INTO effects_history (id, tenant, key, provider, connection, operation, subject_id, outcome, attempts,
                                          settled_by, created_at, called_at, settled_at, error_class)
             VALUES (gen_random_uuid(), $1, 'k', 'sample', $2, 'o', 's', $3, 1, CASE $3 WHEN 'closed' THEN 'user-7' ELSE 'call' END, now() - interval '1 day',
                     now() - $5 * interval '1 second' - $4 * interval '1 millisecond', now() - $5 * interval '1 second', $6)",
        )
        .bind(tenant)
        .bind(connection)
        .bind(outcome)
        .bind(took)
        .bind(ago)
        .bind(class)
        .execute(&stage.pool)
        .await
        .unwrap();
    }
}

async fn lanes(stage: &Stage) {
    stage
        .run(
            "INSERT INTO effect_lanes (connection, tenant, provider, paused_until) VALUES
                 ('acme-chat', 'acme', 'sample', now() + interval '1 hour'), ('acme-pay', 'acme', 'sample', '-infinity'),
                 ('norte-chat', 'norte', 'sample', now() - interval '1 hour')",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_in_the_window_is_counted_with_its_durations_and_failures() {
    let stage = Stage::set().await;
    lanes(&stage).await;
    let mut calls: Vec<_> = (1..=99).map(|n| ("done", n * 10, 60, None)).collect();
    calls.extend([
        ("failed", 1_000, 60, Some("permanent")),
        ("failed", 1_000, 60, Some("timeout")),
        ("failed", 1_000, 60, Some("timeout")),
        ("closed", 1_000, 60, Some("timeout")),
        ("done", 5_000, 7_000, None),
        ("failed", 5_000, 90_000, Some("credentials")),
    ]);
    ended(&stage, "acme", "acme-chat", &calls).await;
    ended(
        &stage,
        "norte",
        "norte-chat",
        &[("failed", 10, 60, Some("limit"))],
    )
    .await;
    // Proved by a receipt, long after the call: no duration of a call.
    ended(&stage, "acme", "acme-pay", &[("done", 60_000, 60, None)]).await;
    stage
        .run("UPDATE effects_history SET settled_by = 'receipt' WHERE connection = 'acme-pay'")
        .await;

    let acme = health(&stage.of("acme"), 0).await;
    let names: Vec<&str> = acme.iter().map(|lane| lane.connection.as_str()).collect();
    assert_eq!(names, ["acme-chat", "acme-pay"]);
    let (chat, pay) = (&acme[0], &acme[1]);
    assert_eq!((chat.done, chat.failed), (99, 3));
    let p50 = chat.p50_ms.unwrap();
    assert!((p50 - 515.0).abs() < 0.01, "{p50}");
    let p95 = chat.p95_ms.unwrap();
    assert!((p95 - 969.5).abs() < 0.01, "{p95}");
    let failures: Vec<_> = chat
        .failures
        .iter()
        .map(|f| (f.class.as_str(), f.count))
        .collect();
    assert_eq!(failures, [("timeout", 2), ("permanent", 1)]);
    assert_eq!((pay.done, pay.p50_ms, pay.p95_ms), (1, None, None));

    let longer = health(&stage.of("acme"), 8_000).await;
    assert_eq!((longer[0].done, longer[0].failed), (100, 3));
    let longest = health(&stage.of("acme"), u32::MAX).await;
    assert_eq!((longest[0].done, longest[0].failed), (100, 3), "a day at most");
    let all = health(&stage.operator(), 0).await;
    assert_eq!(all.len(), 3);
    assert_eq!((all[2].tenant.as_str(), all[2].failed), ("norte", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_in_doubt_or_paused_is_shown_and_the_fullest_quota() {
    let stage = Stage::set().await;
    lanes(&stage).await;
    stage
        .run(
            "INSERT INTO effects (id, tenant, key, provider, connection, operation, subject_id, payload, state, created_at)
                 SELECT gen_random_uuid(), 'acme', n::text, 'sample', 'acme-chat', 'o', 's', '{}',
                        CASE WHEN n <= 4 THEN 'due' WHEN n = 5 THEN 'calling' ELSE 'unknown' END,
                        timestamptz '2026-01-01 00:00:00Z' + n * interval '1 minute'
                 FROM generate_series(1, 7) AS n;
             INSERT INTO quota_tokens (scope, n, window_ms, free_at)
                 SELECT 'acme-chat:per_second', n, 1000, CASE WHEN n < 3 THEN now() + interval '1 hour' ELSE '-infinity' END
                 FROM generate_series(0, 9) AS n;
             INSERT INTO quota_tokens (scope, n, window_ms, free_at)
                 SELECT 'acme-chat:per_day', n, 86400000, CASE WHEN n < 2 THEN now() + interval '1 hour' ELSE now() - interval '1 second' END
                 FROM generate_series(0, 3) AS n;
             INSERT INTO quota_tokens (scope, n, window_ms) VALUES ('norte-chat:per_second', 0, 1000)",
        )
        .await;
    let acme = health(&stage.of("acme"), 0).await;
    let chat = &acme[0];
    assert_eq!((chat.waiting, chat.unknown), (4, 2));
    let oldest = instant(chat.oldest_waiting.as_ref().unwrap()).unwrap();
    assert_eq!(
        oldest.unix_timestamp(),
        1_767_225_660,
        "the first of those that wait"
    );
    let quota = chat.quota.unwrap();
    assert_eq!((quota.used, quota.limit, quota.window_ms), (2, 4, 86_400_000));
    assert!(instant(chat.paused_until.as_ref().unwrap()).unwrap() > OffsetDateTime::now_utc());
    let pay = &acme[1];
    assert_eq!((pay.waiting, pay.quota, pay.oldest_waiting), (0, None, None));
    assert!(pay.paused_until.is_none() && pay.breaker.is_empty());
    let norte = health(&stage.of("norte"), 0).await;
    assert!(norte[0].paused_until.is_none(), "that pause is over");
    assert_eq!((norte[0].waiting, norte[0].quota.unwrap().limit), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn breakers_are_those_of_the_replica_that_answers() {
    let since = SystemClock.now();
    let stage = Stage::with(|operations| {
        operations.with_breakers(move || {
            vec![
                Breaker {
                    since: Some(since),
                    ..breaker("acme-chat", "open")
                },
                breaker("acme-pay", "closed"),
                breaker("norte-chat", "half_open"),
            ]
        })
    })
    .await;
    lanes(&stage).await;
    let acme = health(&stage.of("acme"), 0).await;
    assert_eq!(
        (acme[0].breaker.as_str(), acme[0].breaker_since),
        ("open", Some(timestamp(since)))
    );
    assert_eq!(
        (acme[1].breaker.as_str(), acme[1].breaker_since),
        ("closed", None)
    );
    assert_eq!(acme.len(), 2, "of its own connections alone");
}
