//! Calls of engines among the calls of this service, so that lists of calls and the health of connections show them.
//!
//! They are no effects: they change nothing, and are never claimed or repeated by the runner of effects.

use puente_ports::ProviderError;
use puente_types::TenantId;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// A call that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) provider: &'a str,
    pub(crate) connection: &'a str,
    pub(crate) capture: Uuid,
    pub(crate) began: OffsetDateTime,
    pub(crate) ended: OffsetDateTime,
    pub(crate) error: Option<&'a ProviderError>,
}

/// Notes a call.
pub(crate) async fn note(pool: &PgPool, call: &Call<'_>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "INSERT INTO effect_lanes (connection, tenant, provider) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        call.connection,
        call.tenant.as_str(),
        call.provider,
    )
    .execute(&mut *tx)
    .await?;
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO effects_history (id, tenant, key, provider, connection, operation, subject_id, outcome, attempts,
                                      error_class, error_code, error_note, settled_by, traceparent, created_at, called_at,
                                      settled_at)
         VALUES ($1, $2, $3, $4, $5, 'pictures.read', $6, $7, 1, $8, $9, $10, 'call', $11, $12, $12, $13)",
        id,
        call.tenant.as_str(),
        format!("read:{id}"),
        call.provider,
        call.connection,
        call.capture.to_string(),
        if call.error.is_none() { "done" } else { "failed" },
        call.error.map(|error| error.class().as_str()),
        call.error.map(ProviderError::code),
        call.error.map(ProviderError::detail),
        puente_telemetry::current_traceparent(),
        call.began,
        call.ended,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
