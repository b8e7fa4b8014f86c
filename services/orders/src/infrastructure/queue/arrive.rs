//! Messages that arrive: each gets its place under its conversation, and in the conversation's count.

use puente_bus::Envelope;
use puente_outbox::Tx;
use puente_proto::messaging::MessageReceived;
use puente_types::ConversationId;
use sqlx::PgConnection;

use super::written_at;

/// Puts a message in the queue of its conversation; one that is known by the provider's id stays as it is.
pub(crate) async fn put(tx: &mut Tx, event: &Envelope, message: &MessageReceived) -> Result<(), sqlx::Error> {
    let tenant = event.tenant.as_str();
    let conversation = match find(tx, tenant, message).await? {
        Some(id) => id,
        None => {
            sqlx::query!(
                "INSERT INTO conversations (id, tenant, provider, connection, contact_id, aggregate_id)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant, connection, contact_id) DO NOTHING",
                ConversationId::new().uuid(),
                tenant,
                message.provider,
                message.connection,
                message.contact_id,
                event.aggregate_id
            )
            .execute(&mut **tx)
            .await?;
            // Made now, or by somebody else at the same time.
            find(tx, tenant, message).await?.ok_or(sqlx::Error::RowNotFound)?
        }
    };
    let put = sqlx::query!(
        "INSERT INTO conversation_messages
             (event_id, conversation_id, tenant, receipt_sequence, provider_message_id, payload, traceparent, occurred_at,
              sent_at, version)
         VALUES ($1, $2, $3, $4, NULLIF($5, ''), $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
        event.id.uuid(),
        conversation,
        tenant,
        message.receipt_sequence,
        message.provider_message_id,
        event.payload.as_ref(),
        event.traceparent,
        event.occurred_at,
        written_at(message, event.occurred_at),
        event.aggregate_version
    )
    .execute(&mut **tx)
    .await?;
    if put.rows_affected() == 0 {
        // A second copy of a message has its own place in the count.
        pass_in(tx, conversation, event, message).await?;
    }
    Ok(())
}

/// Notes that a message which is not for the bot has come, so that nobody waits for it. A conversation is not begun by
/// it.
pub(crate) async fn pass(
    tx: &mut Tx,
    event: &Envelope,
    message: &MessageReceived,
) -> Result<(), sqlx::Error> {
    match find(tx, event.tenant.as_str(), message).await? {
        Some(conversation) => pass_in(tx, conversation, event, message).await,
        None => Ok(()),
    }
}

async fn pass_in(
    tx: &mut Tx,
    conversation: uuid::Uuid,
    event: &Envelope,
    message: &MessageReceived,
) -> Result<(), sqlx::Error> {
    // What was not counted has no place that somebody could wait for.
    let Some(version) = event.aggregate_version else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO conversation_messages
             (event_id, conversation_id, tenant, receipt_sequence, occurred_at, worked_at, version, for_bot)
         VALUES ($1, $2, $3, $4, $5, now(), $6, false)
         ON CONFLICT DO NOTHING",
        event.id.uuid(),
        conversation,
        event.tenant.as_str(),
        message.receipt_sequence,
        event.occurred_at,
        version
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
