//! A conversation's turn: which ones have messages that need not wait, what waits in one, and what is left after it.

use std::time::Duration;

use puente_proto::messaging::MessageReceived;
use puente_types::{ClientId, ConversationId, EventId, Nit, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::written_at;

/// A conversation whose row is locked.
pub(crate) struct Claimed {
    pub(crate) id: ConversationId,
    pub(crate) tenant: TenantId,
    pub(crate) memory: serde_json::Value,
    pub(crate) last_at: Option<OffsetDateTime>,
    /// The highest count worked.
    last_version: i64,
}

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) event_id: EventId,
    pub(crate) sequence: i64,
    pub(crate) version: Option<i64>,
    pub(crate) payload: Vec<u8>,
    pub(crate) traceparent: Option<String>,
    pub(crate) occurred_at: OffsetDateTime,
}

impl Waiting {
    /// When it was written.
    pub(crate) fn written_at(&self, message: &MessageReceived) -> OffsetDateTime {
        written_at(message, self.occurred_at)
    }
}

/// Locks conversations that have messages which need not wait, longest waiting first; at most `most`.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    settle: Duration,
    most: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        // A lock that is not FOR UPDATE: putting further messages refers to the row and must not wait.
        "SELECT c.id, c.tenant, c.memory, c.last_at, c.last_version
         FROM conversation_messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.worked_at IS NULL AND c.not_before <= clock_timestamp()
           AND (m.queued_at <= clock_timestamp() - $1::double precision * interval '1 second'
                OR m.version <= c.last_version
                OR (SELECT count(*) = max(n.version) - c.last_version FROM conversation_messages n
                    WHERE n.conversation_id = c.id AND n.version > c.last_version))
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
                last_version: row.last_version,
            });
        }
    }
    // Workers take the order counters of several tenants in one order.
    claimed.sort_by(|a, b| (&a.tenant, a.id).cmp(&(&b.tenant, b.id)));
    Ok(claimed)
}

/// The conversation's messages in their order, up to the first that has to wait; at most `most`.
pub(crate) async fn waiting(
    connection: &mut PgConnection,
    conversation: &Claimed,
    settle: Duration,
    most: i64,
) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT event_id, receipt_sequence, version, payload AS "payload!", traceparent, occurred_at,
                  coalesce(queued_at <= clock_timestamp() - $2::double precision * interval '1 second'
                           OR version <= $4 OR whole.is_whole AND version IS NOT NULL, false) AS "settled!"
           FROM conversation_messages,
                (SELECT count(*) = max(version) - $4 AS is_whole FROM conversation_messages
                 WHERE conversation_id = $1 AND version > $4) AS whole
           WHERE conversation_id = $1 AND worked_at IS NULL
           ORDER BY receipt_sequence, event_id LIMIT $3"#,
        conversation.id.uuid(),
        settle.as_secs_f64(),
        most,
        conversation.last_version
    )
    .fetch_all(connection)
    .await?;
    let waiting = rows.into_iter().take_while(|row| row.settled).map(|row| Waiting {
        event_id: row.event_id.into(),
        sequence: row.receipt_sequence,
        version: row.version,
        payload: row.payload,
        traceparent: row.traceparent,
        occurred_at: row.occurred_at,
    });
    Ok(waiting.collect())
}

/// What a conversation is after its turn.
pub(crate) struct After {
    pub(crate) memory: serde_json::Value,
    pub(crate) last_at: Option<OffsetDateTime>,
    /// The client that the contact is, if it is one by now.
    pub(crate) client: Option<ClientId>,
}

/// Marks messages as worked and keeps what the conversation is now; what they said is not kept.
pub(crate) async fn worked(
    connection: &mut PgConnection,
    conversation: ConversationId,
    messages: &[Waiting],
    after: &After,
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = messages.iter().map(|message| message.event_id.uuid()).collect();
    sqlx::query!(
        "UPDATE conversation_messages SET worked_at = now(), payload = NULL WHERE event_id = ANY ($1)",
        &ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE conversations
         SET memory = $2, last_sequence = greatest(last_sequence, $3), last_at = greatest(last_at, $4),
             last_version = greatest(last_version, $5), client_id = coalesce(client_id, $6),
             failures = 0, not_before = '-infinity', awaits_nit = NULL
         WHERE id = $1",
        conversation.uuid(),
        after.memory,
        messages.iter().map(|message| message.sequence).max(),
        after.last_at,
        messages.iter().filter_map(|message| message.version).max(),
        after.client.map(|client| client.uuid())
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets a conversation rest until the ERP has answered about this tax id, or for so long.
pub(crate) async fn awaits(
    connection: &mut PgConnection,
    conversation: ConversationId,
    nit: &Nit,
    wait: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE conversations
         SET awaits_nit = $2, not_before = clock_timestamp() + $3::double precision * interval '1 second'
         WHERE id = $1",
        conversation.uuid(),
        nit.body(),
        wait.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
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
