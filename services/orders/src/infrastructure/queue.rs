//! Messages that wait for their conversation's turn.
//!
//! A message is put in the queue when its event arrives, and worked when it has waited a moment: what was received
//! before it may have come by another replica's relay and still be under way. Within a conversation messages are
//! worked by their receipt sequence, under the lock of the conversation's row; conversations go in parallel.

use std::time::Duration;

use puente_bus::Envelope;
use puente_outbox::Tx;
use puente_proto::messaging::MessageReceived;
use puente_proto::{Event as _, Subject, instant};
use puente_types::{ConversationId, EventId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// The consumer's name in `inbox` and `dead_letters`.
const CONSUMER: &str = "orders";

/// A conversation whose row is locked.
pub(crate) struct Claimed {
    pub(crate) id: ConversationId,
    pub(crate) tenant: TenantId,
    pub(crate) memory: serde_json::Value,
    pub(crate) last_at: Option<OffsetDateTime>,
}

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) event_id: EventId,
    pub(crate) sequence: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) traceparent: Option<String>,
    pub(crate) occurred_at: OffsetDateTime,
}

impl Waiting {
    /// When it was written, as far as the provider's clock can be believed.
    pub(crate) fn written_at(&self, message: &MessageReceived) -> OffsetDateTime {
        message
            .sent_at
            .as_ref()
            .and_then(instant)
            .map_or(self.occurred_at, |sent| sent.min(self.occurred_at))
    }
}

/// Puts a message in the queue of its conversation; one that is known by the provider's id stays as it is.
pub(crate) async fn put(tx: &mut Tx, event: &Envelope, message: &MessageReceived) -> Result<(), sqlx::Error> {
    let tenant = event.tenant.as_str();
    let conversation = match find(tx, tenant, message).await? {
        Some(id) => id,
        None => {
            sqlx::query!(
                "INSERT INTO conversations (id, tenant, provider, connection, contact_id) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (tenant, connection, contact_id) DO NOTHING",
                ConversationId::new().uuid(),
                tenant,
                message.provider,
                message.connection,
                message.contact_id
            )
            .execute(&mut **tx)
            .await?;
            // Made now, or by somebody else at the same time.
            find(tx, tenant, message).await?.ok_or(sqlx::Error::RowNotFound)?
        }
    };
    sqlx::query!(
        "INSERT INTO conversation_messages
             (event_id, conversation_id, tenant, receipt_sequence, provider_message_id, payload, traceparent, occurred_at)
         VALUES ($1, $2, $3, $4, NULLIF($5, ''), $6, $7, $8)
         ON CONFLICT DO NOTHING",
        event.id.uuid(),
        conversation,
        tenant,
        message.receipt_sequence,
        message.provider_message_id,
        event.payload.as_ref(),
        event.traceparent,
        event.occurred_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn find(
    connection: &mut PgConnection,
    tenant: &str,
    message: &MessageReceived,
) -> Result<Option<uuid::Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM conversations WHERE tenant = $1 AND connection = $2 AND contact_id = $3",
        tenant,
        message.connection,
        message.contact_id
    )
    .fetch_optional(connection)
    .await
}

/// Locks conversations that have messages old enough, longest waiting first; at most `most`.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    settle: Duration,
    most: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        // A lock that is not FOR UPDATE: putting further messages refers to the row and must not wait.
        "SELECT c.id, c.tenant, c.memory, c.last_at
         FROM conversation_messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.worked_at IS NULL AND m.queued_at <= clock_timestamp() - $1::double precision * interval '1 second'
           AND c.not_before <= clock_timestamp()
         ORDER BY m.queued_at LIMIT $2
         FOR NO KEY UPDATE OF c SKIP LOCKED",
        settle.as_secs_f64(),
        most
    )
    .fetch_all(connection)
    .await?;
    let mut claimed: Vec<Claimed> = Vec::with_capacity(rows.len());
    for row in rows {
        if claimed.iter().all(|other| other.id.uuid() != row.id) {
            let tenant = row
                .tenant
                .parse()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            claimed.push(Claimed {
                id: row.id.into(),
                tenant,
                memory: row.memory,
                last_at: row.last_at,
            });
        }
    }
    // Workers take the order counters of several tenants in one order.
    claimed.sort_by(|a, b| (&a.tenant, a.id).cmp(&(&b.tenant, b.id)));
    Ok(claimed)
}

/// The conversation's messages in their order, up to the first that has not waited long enough; at most `most`.
pub(crate) async fn waiting(
    connection: &mut PgConnection,
    conversation: ConversationId,
    settle: Duration,
    most: i64,
) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT event_id, receipt_sequence, payload AS "payload!", traceparent, occurred_at,
                  queued_at <= clock_timestamp() - $2::double precision * interval '1 second' AS "settled!"
           FROM conversation_messages WHERE conversation_id = $1 AND worked_at IS NULL
           ORDER BY receipt_sequence, event_id LIMIT $3"#,
        conversation.uuid(),
        settle.as_secs_f64(),
        most
    )
    .fetch_all(connection)
    .await?;
    let waiting = rows.into_iter().take_while(|row| row.settled).map(|row| Waiting {
        event_id: row.event_id.into(),
        sequence: row.receipt_sequence,
        payload: row.payload,
        traceparent: row.traceparent,
        occurred_at: row.occurred_at,
    });
    Ok(waiting.collect())
}

/// Marks messages as worked and keeps the memory; what they said is not kept.
pub(crate) async fn worked(
    connection: &mut PgConnection,
    conversation: ConversationId,
    messages: &[EventId],
    memory: &serde_json::Value,
    last_sequence: i64,
    last_at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = messages.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "UPDATE conversation_messages SET worked_at = now(), payload = NULL WHERE event_id = ANY ($1)",
        &ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE conversations
         SET memory = $2, last_sequence = greatest(last_sequence, $3), last_at = greatest(last_at, $4),
             failures = 0, not_before = '-infinity'
         WHERE id = $1",
        conversation.uuid(),
        memory,
        last_sequence,
        last_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

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
           RETURNING event_id, tenant, payload AS "payload!", traceparent, occurred_at"#,
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
         ON CONFLICT (event_id, consumer) DO UPDATE SET reason = excluded.reason, dead_at = now(), resolved_at = NULL",
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
        "UPDATE conversations SET failures = 0, not_before = '-infinity' WHERE id = $1",
        conversation.uuid()
    )
    .execute(connection)
    .await?;
    Ok(Some(first.event_id.into()))
}

/// How long until the next message is due; `None` when none waits.
pub(crate) async fn next_due(
    connection: &mut PgConnection,
    settle: Duration,
) -> Result<Option<Duration>, sqlx::Error> {
    let due = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM
                min(greatest(m.queued_at + $1::double precision * interval '1 second', c.not_before)) - clock_timestamp()
           )::double precision AS due
           FROM conversation_messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.worked_at IS NULL"#,
        settle.as_secs_f64()
    )
    .fetch_one(connection)
    .await?;
    Ok(due.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
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
