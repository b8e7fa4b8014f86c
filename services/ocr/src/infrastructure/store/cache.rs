//! What engines read in a picture before: a picture is not sent, and paid for, twice.

use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::infrastructure::reading::Reading;
use crate::infrastructure::store::flat::{decode, json};

/// Which reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) sha256: &'a str,
    pub(crate) engine: &'a str,
    /// Of what the reading depends on besides.
    pub(crate) settings: &'a str,
}

/// What it read, if that was not before `since`.
pub(crate) async fn find(
    connection: &mut PgConnection,
    key: Key<'_>,
    since: OffsetDateTime,
) -> Result<Option<Reading>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT reading FROM cached_readings
         WHERE tenant = $1 AND sha256 = $2 AND engine = $3 AND settings = $4 AND at >= $5",
        key.tenant.as_str(),
        key.sha256,
        key.engine,
        key.settings,
        since,
    )
    .fetch_optional(connection)
    .await?;
    found.map(serde_json::from_value).transpose().map_err(decode)
}

/// Keeps what it read; the newest model's reading counts.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    key: Key<'_>,
    reading: &Reading,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO cached_readings (tenant, sha256, engine, model, settings, reading, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, sha256, engine, settings)
         DO UPDATE SET model = excluded.model, reading = excluded.reading, at = excluded.at",
        key.tenant.as_str(),
        key.sha256,
        key.engine,
        reading.model,
        key.settings,
        json(reading)?,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets readings made before `before`, and the oldest beyond `most`; at most `limit` of each.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM cached_readings WHERE ctid IN (
             (SELECT ctid FROM cached_readings WHERE at < $1 LIMIT $3)
             UNION ALL
             (SELECT ctid FROM cached_readings ORDER BY at DESC OFFSET $2 LIMIT $3))",
        before,
        most,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
