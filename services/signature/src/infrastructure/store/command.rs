//! Commands that had their effect.

use puente_outbox::Tx;
pub(crate) use puente_rpc::asked::Issued;
use puente_types::TenantId;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Names a command among the calls of a request.
pub(crate) fn short(issued: &Issued) -> String {
    let mut hash = Sha256::new();
    hash.update(issued.key.as_bytes());
    hash.update(issued.digest);
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is new, and noted with this transaction.
    New,
    /// It had its effect before.
    Repeated,
    /// Another command had its key.
    KeyUsed,
}

/// Notes a command, waiting for whoever notes the same one now.
pub(crate) async fn note(
    tx: &mut Tx,
    tenant: &TenantId,
    issued: &Issued,
    request: Uuid,
    at: OffsetDateTime,
) -> Result<Known, sqlx::Error> {
    let written = sqlx::query!(
        "INSERT INTO signature_commands (tenant, key, digest, request_id, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        tenant.as_str(),
        issued.key,
        issued.digest.as_slice(),
        request,
        at,
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 1 {
        return Ok(Known::New);
    }
    let digest = sqlx::query_scalar!(
        "SELECT digest FROM signature_commands WHERE tenant = $1 AND key = $2",
        tenant.as_str(),
        issued.key,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(if digest == issued.digest {
        Known::Repeated
    } else {
        Known::KeyUsed
    })
}

/// Forgets commands given before `before`; at most `limit`.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM signature_commands WHERE (tenant, key) IN (
             SELECT tenant, key FROM signature_commands WHERE at < $1 LIMIT $2)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
