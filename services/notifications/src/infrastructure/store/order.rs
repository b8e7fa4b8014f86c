//! How far each order's events were applied.

use puente_outbox::Tx;
use puente_types::TenantId;

/// The last version applied, locked; 0 before the first.
pub(crate) async fn applied(tx: &mut Tx, tenant: &TenantId, order_id: &str) -> Result<i64, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO order_watch (tenant, order_id, version) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
        tenant.as_str(),
        order_id,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query_scalar!(
        "SELECT version FROM order_watch WHERE tenant = $1 AND order_id = $2 FOR UPDATE",
        tenant.as_str(),
        order_id,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Notes the version that was applied now.
pub(crate) async fn advance(
    tx: &mut Tx,
    tenant: &TenantId,
    order_id: &str,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE order_watch SET version = $3 WHERE tenant = $1 AND order_id = $2",
        tenant.as_str(),
        order_id,
        version,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
