//! Receipts that wait for the message they belong to.

use puente_outbox::Tx;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A receipt without its message.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) state: String,
    pub(crate) error_code: String,
    pub(crate) billable: Option<bool>,
    pub(crate) price_category: String,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) event_id: Uuid,
    pub(crate) traceparent: Option<String>,
}

/// Keeps a receipt until its message is known, or until it is too old.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    provider_message_id: &str,
    pending: &Pending,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO pending_receipts (tenant, connection, provider_message_id, state, error_code, billable,
                                       price_category, changed_at, event_id, traceparent, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT DO NOTHING",
        tenant.as_str(),
        connection,
        provider_message_id,
        pending.state,
        pending.error_code,
        pending.billable,
        pending.price_category,
        pending.changed_at,
        pending.event_id,
        pending.traceparent,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes out what waited for this message. The caller holds the provider id's lock.
pub(crate) async fn take(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    provider_message_id: &str,
) -> Result<Vec<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "DELETE FROM pending_receipts WHERE tenant = $1 AND connection = $2 AND provider_message_id = $3
         RETURNING state, error_code, billable, price_category, changed_at, event_id, traceparent",
        tenant.as_str(),
        connection,
        provider_message_id,
    )
    .fetch_all(&mut **tx)
    .await
}

/// Removes at most `limit` receipts that nobody claimed since `before`.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM pending_receipts WHERE ctid IN (
             SELECT ctid FROM pending_receipts WHERE received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
