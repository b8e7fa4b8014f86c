//! How far each order's events were applied. Its row is locked before that of its task.

use puente_outbox::Tx;
use puente_types::{OrderId, TenantId};

/// The last version applied, locked; 0 before the first.
pub(crate) async fn applied(tx: &mut Tx, tenant: &TenantId, order: OrderId) -> Result<i64, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO watched_orders (tenant, order_id, version) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
        tenant.as_str(),
        order.uuid(),
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query_scalar!(
        "SELECT version FROM watched_orders WHERE tenant = $1 AND order_id = $2 FOR UPDATE",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_one(&mut **tx)
    .await
}

/// Notes the version that was applied now.
pub(crate) async fn advance(
    tx: &mut Tx,
    tenant: &TenantId,
    order: OrderId,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE watched_orders SET version = $3 WHERE tenant = $1 AND order_id = $2",
        tenant.as_str(),
        order.uuid(),
        version,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
