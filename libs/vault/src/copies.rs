//! The last-seen copies in the service's own schema: what it starts from when the broker is away.

use serde_json::Value;
use sqlx::PgPool;

use crate::entry::Entry;
use crate::snapshot::ProblemKind;

/// Every copy that was not deleted, by id; a row that cannot be read comes with its problem.
pub(crate) async fn load(pool: &PgPool) -> Result<Vec<(String, Result<Entry, ProblemKind>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, tenant, provider, account, settings, sealed FROM connection_copies WHERE NOT deleted ORDER BY id"
    )
    .fetch_all(pool)
    .await?;
    let read = rows.into_iter().map(|row| {
        let entry = || {
            let Value::Object(settings) = row.settings else {
                return None;
            };
            Some(Entry {
                tenant: row.tenant.parse().ok()?,
                provider: row.provider,
                account: row.account,
                settings,
                sealed: serde_json::from_value(row.sealed).ok()?,
            })
        };
        (row.id, entry().ok_or(ProblemKind::Value))
    });
    Ok(read.collect())
}

/// Keeps an entry as it came.
///
/// Revisions are not compared: a bucket that was made anew counts from one again, and every watcher ends on the
/// bucket's own last value, in the bucket's own order.
pub(crate) async fn put(pool: &PgPool, id: &str, entry: &Entry, revision: u64) -> Result<(), sqlx::Error> {
    let sealed = serde_json::to_value(&entry.sealed).map_err(|cause| sqlx::Error::Encode(cause.into()))?;
    sqlx::query!(
        "INSERT INTO connection_copies (id, tenant, provider, account, settings, sealed, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET
             tenant = excluded.tenant, provider = excluded.provider, account = excluded.account,
             settings = excluded.settings, sealed = excluded.sealed, revision = excluded.revision,
             deleted = false, updated_at = now()",
        id,
        entry.tenant.as_str(),
        entry.provider,
        entry.account,
        Value::Object(entry.settings.clone()),
        sealed,
        i64::try_from(revision).unwrap_or(i64::MAX),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Marks a copy as deleted and forgets what it held.
pub(crate) async fn delete(pool: &PgPool, id: &str, revision: u64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_copies
         SET deleted = true, account = NULL, settings = '{}', sealed = '{}', revision = $2, updated_at = now()
         WHERE id = $1 AND NOT deleted",
        id,
        i64::try_from(revision).unwrap_or(i64::MAX),
    )
    .execute(pool)
    .await?;
    Ok(())
}
