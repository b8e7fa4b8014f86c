//! A dead letter is handled again: from the start, once, by its own tenant's people.

use puente_outbox::NewEvent;
use puente_proto::Event as _;
use puente_proto::operations::{
    DeadLetter, GetDeadLetterRequest, RetryDeadLetterRequest, RetryDeadLetterResponse,
};
use puente_proto::orders::ClientRegistered;
use sqlx::types::Uuid;
use tonic::{Code, Status};

use crate::support::{Asking, SERVICE, Stage, ask, code};

/// A dead letter about a client of this name.
async fn bury(stage: &Stage, tenant: &str, name: &str) -> Uuid {
    let client = ClientRegistered {
        client_id: name.into(),
        ..ClientRegistered::default()
    };
    let event = NewEvent::new(&tenant.parse().unwrap(), name, &client);
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason, attempts)
         VALUES ($1, $2, $3, 'puente.v1.x', $4, $5, now(), $6, 'never tried', 12)",
    )
    .bind(event.id.uuid())
    .bind(SERVICE)
    .bind(tenant)
    .bind(ClientRegistered::TYPE.name)
    .bind(name)
    .bind(event.payload.as_ref())
    .execute(&stage.pool)
    .await
    .unwrap();
    event.id.uuid()
}

async fn retry(asking: &Asking, event: Uuid) -> Result<RetryDeadLetterResponse, Status> {
    let command = RetryDeadLetterRequest {
        event_id: event.to_string(),
        consumer: SERVICE.into(),
    };
    ask!(asking, retry_dead_letter, command)
}

async fn letter(asking: &Asking, event: Uuid) -> DeadLetter {
    let question = GetDeadLetterRequest {
        event_id: event.to_string(),
        consumer: SERVICE.into(),
    };
    ask!(asking, get_dead_letter, question).unwrap().letter.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_works_now_changes_the_state_once_and_tells_of_it() {
    let stage = Stage::set().await;
    let event = bury(&stage, "acme", "laura").await;
    let acme = stage.of("acme");
    let answer = retry(&acme, event).await.unwrap();
    assert_eq!((answer.handled, answer.reason.as_str()), (true, ""));
    assert_eq!(stage.seen().await, ["laura"]);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM outbox WHERE aggregate_id = 'laura'")
            .await,
        1
    );
    let done = letter(&acme, event).await;
    assert_eq!(
        (done.resolution.as_str(), done.resolved_by.as_str()),
        ("retried", "user-7")
    );
    assert!(done.resolved_at.is_some());
    assert_eq!(code(retry(&acme, event).await), Code::FailedPrecondition);
    assert_eq!(stage.seen().await, ["laura"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_people_who_retry_at_once_one_does_it() {
    let stage = Stage::set().await;
    let event = bury(&stage, "acme", "laura").await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let acme = stage.of("acme");
        asked.spawn(async move { retry(&acme, event).await });
    }
    let answers = asked.join_all().await;
    let handled = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(handled, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(|refused| refused.code() == Code::FailedPrecondition)
    );
    assert_eq!(stage.seen().await, ["laura"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_fails_again_changes_nothing_but_its_reason_and_may_be_tried_again() {
    let stage = Stage::set().await;
    let event = bury(&stage, "acme", "laura").await;
    let acme = stage.of("acme");
    let before = letter(&acme, event).await;
    stage.handler.fail("laura");
    let answer = retry(&acme, event).await.unwrap();
    assert_eq!(
        (answer.handled, answer.reason.as_str()),
        (false, "the shelf is full")
    );
    assert!(stage.seen().await.is_empty(), "rolled back");
    assert_eq!(stage.count("SELECT count(*) FROM inbox").await, 0, "not marked");
    let failed = letter(&acme, event).await;
    assert_eq!(
        (
            failed.reason.as_str(),
            failed.attempts,
            failed.resolution.as_str()
        ),
        ("the shelf is full", 13, "")
    );
    assert_eq!(failed.dead_at, before.dead_at, "it keeps its place");
    stage.handler.mend();
    assert!(retry(&acme, event).await.unwrap().handled);
    assert_eq!(stage.seen().await, ["laura"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_handled_meanwhile_counts_as_handled() {
    let stage = Stage::set().await;
    let event = bury(&stage, "acme", "laura").await;
    sqlx::query("INSERT INTO inbox (event_id, consumer) VALUES ($1, $2)")
        .bind(event)
        .bind(SERVICE)
        .execute(&stage.pool)
        .await
        .unwrap();
    assert!(retry(&stage.of("acme"), event).await.unwrap().handled);
    assert!(stage.seen().await.is_empty(), "not applied a second time");
    assert_eq!(letter(&stage.of("acme"), event).await.resolution, "retried");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_retries_another_tenants_letter_and_an_operator_every_tenants() {
    let stage = Stage::set().await;
    let event = bury(&stage, "acme", "laura").await;
    assert_eq!(code(retry(&stage.of("norte"), event).await), Code::NotFound);
    assert_eq!(letter(&stage.of("acme"), event).await.attempts, 12, "untouched");
    assert!(stage.seen().await.is_empty());
    assert!(retry(&stage.operator(), event).await.unwrap().handled);
    assert_eq!(stage.seen().await, ["laura"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_no_event_or_belongs_to_no_consumer_here_can_only_be_closed() {
    let stage = Stage::set().await;
    let stranger = Uuid::from_u128(4711);
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason, attempts)
         VALUES ($1, $2, 'unknown', 'x', 'unknown', '', now(), '', 'header `ce-id` is missing', 1),
                ($1, 'former', 'acme', 'x', 'x', '', now(), '', 'why', 1)",
    )
    .bind(stranger)
    .bind(SERVICE)
    .execute(&stage.pool)
    .await
    .unwrap();
    let operator = stage.operator();
    assert_eq!(code(retry(&operator, stranger).await), Code::FailedPrecondition);
    let former = RetryDeadLetterRequest {
        event_id: stranger.to_string(),
        consumer: "former".into(),
    };
    assert_eq!(
        code(ask!(operator, retry_dead_letter, former)),
        Code::FailedPrecondition
    );
    let none = RetryDeadLetterRequest {
        event_id: Uuid::now_v7().to_string(),
        consumer: SERVICE.into(),
    };
    assert_eq!(code(ask!(operator, retry_dead_letter, none)), Code::NotFound);
    let command = puente_proto::operations::CloseDeadLetterRequest {
        event_id: stranger.to_string(),
        consumer: SERVICE.into(),
        reason: "came from a test".into(),
    };
    ask!(operator, close_dead_letter, command).unwrap();
}
