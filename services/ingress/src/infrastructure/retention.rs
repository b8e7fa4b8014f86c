//! Forgets duplicate keys once their provider can no longer redeliver.

use std::time::Duration;

use puente_providers::all;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// How often old keys are looked for.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// Keys removed in one statement, so that no lock is held long.
const CHUNK: i64 = 10_000;

/// Purges until `shutdown`.
pub(crate) async fn purge_keys(pool: PgPool, shutdown: CancellationToken) {
    while tokio::time::timeout(EVERY, shutdown.cancelled()).await.is_err() {
        for provider in all() {
            let manifest = provider.manifest();
            // One hour beyond what the provider promises.
            if let Err(error) = purge(
                &pool,
                &manifest.slug,
                i32::try_from(manifest.redelivery_hours + 1).unwrap_or(i32::MAX),
            )
            .await
            {
                tracing::warn!(provider = manifest.slug, error = %error, "old duplicate keys not removed");
            }
        }
    }
}

async fn purge(pool: &PgPool, provider: &str, hours: i32) -> Result<(), sqlx::Error> {
    loop {
        let removed = sqlx::query!(
            "DELETE FROM delivery_keys WHERE key IN (
                 SELECT key FROM delivery_keys
                 WHERE provider = $1 AND seen_at < now() - $2::int * interval '1 hour' LIMIT $3)",
            provider,
            hours,
            CHUNK
        )
        .execute(pool)
        .await?
        .rows_affected();
        if removed < CHUNK.unsigned_abs() {
            return Ok(());
        }
    }
}
