//! Which message a provider's id or our reference means, and the lock that lets a receipt and a settlement see each
//! other.

use puente_outbox::Tx;
use puente_types::{MessageId, TenantId};

use crate::infrastructure::store::message::Row;

/// Makes whoever names this provider id wait until the transaction ends: a receipt and the settlement of its call must
/// see each other. It is no lock on a row, because the row may not have the id yet.
pub(crate) async fn lock_provider_id(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    provider_message_id: &str,
) -> Result<(), sqlx::Error> {
    let name = format!("message|{tenant}|{connection}|{provider_message_id}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
        .fetch_one(&mut **tx)
        .await?;
    Ok(())
}

/// The message with this id at the provider.
pub(crate) async fn by_provider_id(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    provider_message_id: &str,
) -> Result<Option<MessageId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM messages WHERE tenant = $1 AND connection = $2 AND provider_message_id = $3",
        tenant.as_str(),
        connection,
        provider_message_id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(MessageId::from))
}

/// The message whose effect has this key, and whether its provider id is known.
pub(crate) async fn by_reference(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    reference: &str,
) -> Result<Option<(MessageId, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, provider_message_id IS NOT NULL AS "settled!" FROM messages
           WHERE tenant = $1 AND connection = $2 AND effect_key = $3"#,
        tenant.as_str(),
        connection,
        reference,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (MessageId::from(row.id), row.settled)))
}

/// Gives a message its id at the provider, and the contact's id as the provider corrected it. The caller holds the
/// provider id's lock. An id that belongs to another message already is not taken over.
pub(crate) async fn name(
    tx: &mut Tx,
    row: &mut Row,
    provider_message_id: &str,
    contact_id: Option<&str>,
) -> Result<(), sqlx::Error> {
    if row.provider_message_id.is_some() || provider_message_id.is_empty() {
        return Ok(());
    }
    if let Some(other) = by_provider_id(tx, &row.tenant, &row.connection, provider_message_id).await? {
        tracing::error!(
            message.id = %row.id,
            provider = row.provider,
            other = %other,
            "the provider gave two messages the same id"
        );
        return Ok(());
    }
    sqlx::query!(
        "UPDATE messages SET provider_message_id = $2, contact_id = coalesce($3, contact_id) WHERE id = $1",
        row.id.uuid(),
        provider_message_id,
        contact_id.filter(|id| !id.is_empty()),
    )
    .execute(&mut **tx)
    .await?;
    row.provider_message_id = Some(provider_message_id.to_owned());
    Ok(())
}
