//! Commands that had their effect.

use puente_outbox::Tx;
pub(crate) use puente_rpc::asked::Issued;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::infrastructure::store::flat::count;

/// What is known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is new, and noted with this transaction.
    New,
    /// It had its effect before, on this capture and attempt.
    Repeated { capture: Uuid, attempt: u32 },
    /// Another command had its key.
    KeyUsed,
}

/// Notes a command, waiting for whoever notes the same one now.
pub(crate) async fn note(
    tx: &mut Tx,
    tenant: &TenantId,
    issued: &Issued,
    capture: Uuid,
    at: OffsetDateTime,
) -> Result<Known, sqlx::Error> {
    let written = sqlx::query!(
        "INSERT INTO capture_commands (tenant, key, digest, capture_id, attempt, at) VALUES ($1, $2, $3, $4, 0, $5)
         ON CONFLICT DO NOTHING",
        tenant.as_str(),
        issued.key,
        issued.digest.as_slice(),
        capture,
        at,
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 1 {
        return Ok(Known::New);
    }
    let row = sqlx::query!(
        "SELECT digest, capture_id, attempt FROM capture_commands WHERE tenant = $1 AND key = $2",
        tenant.as_str(),
        issued.key,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(if row.digest == issued.digest {
        Known::Repeated {
            capture: row.capture_id,
            attempt: row.attempt.unsigned_abs(),
        }
    } else {
        Known::KeyUsed
    })
}

/// The attempt that it made.
pub(crate) async fn made(
    tx: &mut Tx,
    tenant: &TenantId,
    issued: &Issued,
    attempt: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE capture_commands SET attempt = $3 WHERE tenant = $1 AND key = $2",
        tenant.as_str(),
        issued.key,
        count(attempt),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets commands given before `before`; at most `limit`.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM capture_commands WHERE (tenant, key) IN (
             SELECT tenant, key FROM capture_commands WHERE at < $1 LIMIT $2)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
