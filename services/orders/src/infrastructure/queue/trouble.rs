//! Messages that cannot be worked, and those that nobody needs any more.

use std::time::Duration;

use puente_proto::messaging::MessageReceived;
use puente_proto::{Event as _, Subject};
use puente_types::{ConversationId, EventId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// The consumer's name in `inbox` and `dead_letters`.
const CONSUMER: &str = "orders";

/// Lets a conversation rest after a failure; returns how many there were in a row.
pub(crate) async fn failed(
    connection: &mut PgConnection,
    conversation: ConversationId,
    pause: impl Fn(i32) -> Duration,
) -> Result<i32, sqlx::Error> {
    let failures = sqlx::query_scalar!(
        "UPDATE conversations SET failures = failures + 1 WHERE id = $1 RETURNING failures",
        conversation.uuid()
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE conversations SET not_before = now() + $2::double precision * interval '1 second' WHERE id = $1",
        conversation.uuid(),
        pause(failures).as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(failures)
}

/// Makes the conversation's first message a dead letter. Its inbox mark goes with it, so that a replay works it again.
pub(crate) async fn bury_first(
    connection: &mut PgConnection,
    conversation: ConversationId,
    reason: &str,
) -> Result<Option<EventId>, sqlx::Error> {
    let first = sqlx::query!(
        r#"DELETE FROM conversation_messages WHERE event_id = (
               SELECT event_id FROM conversation_messages WHERE conversation_id = $1 AND worked_at IS NULL
               ORDER BY receipt_sequence, event_id LIMIT 1)
           RETURNING event_id, tenant, version, payload AS "payload!", traceparent, occurred_at"#,
        conversation.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(first) = first else { return Ok(None) };
    let subject = first
        .tenant
        .parse()
        .map(|tenant| Subject::render(&tenant, &MessageReceived::TYPE));
    sqlx::query!(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, traceparent, occurred_at,
                                   payload, reason, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
         ON CONFLICT (event_id, consumer) DO UPDATE
         SET reason = excluded.reason, attempts = dead_letters.attempts + 1, dead_at = now(), resolved_at = NULL,
             resolution = NULL, resolved_by = NULL, resolution_reason = NULL",
        first.event_id,
        CONSUMER,
        first.tenant,
        subject.unwrap_or_default(),
        MessageReceived::TYPE.name,
        conversation.to_string(),
        first.traceparent,
        first.occurred_at,
        first.payload,
        reason
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM inbox WHERE event_id = $1 AND consumer = $2",
        first.event_id,
        CONSUMER
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE conversations
         SET failures = 0, not_before = '-infinity', last_version = greatest(last_version, $2) WHERE id = $1",
        conversation.uuid(),
        first.version
    )
    .execute(connection)
    .await?;
    Ok(Some(first.event_id.into()))
}

/// Forgets worked messages that are older than any repetition; at most `most`.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM conversation_messages WHERE event_id IN (
             SELECT event_id FROM conversation_messages WHERE worked_at < $1 LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
