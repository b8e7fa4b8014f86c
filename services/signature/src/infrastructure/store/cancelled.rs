//! Orders that were cancelled while their documents were out.

use puente_outbox::Tx;
use puente_types::{OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Keeps others from taking in a request of this order, or its end, until the transaction ends. Taken before a request's own
/// lock.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, order: OrderId) -> Result<(), sqlx::Error> {
    let name = format!("order|{tenant}|{order}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
        .fetch_one(&mut **tx)
        .await?;
    Ok(())
}

/// Writes down that it was cancelled.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    order: OrderId,
    reason: &str,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO cancelled_orders (tenant, order_id, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant.as_str(),
        order.uuid(),
        reason,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Why it was cancelled, if it was.
pub(crate) async fn reason(
    tx: &mut Tx,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT reason FROM cancelled_orders WHERE tenant = $1 AND order_id = $2",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await
}

/// The requests of an order that have not ended: one, as a rule.
pub(crate) async fn open(tx: &mut Tx, tenant: &TenantId, order: OrderId) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM signatures WHERE tenant = $1 AND order_id = $2 AND step <> 'ended' ORDER BY attempt, id LIMIT 16",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_all(&mut **tx)
    .await
}

/// Forgets orders cancelled before `before`; at most `limit`.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM cancelled_orders WHERE (tenant, order_id) IN (
             SELECT tenant, order_id FROM cancelled_orders WHERE at < $1 LIMIT $2)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
