//! What callers may read of captures, as the role that answers callers: row policies hold each transaction to the caller's
//! tenant.
//!
//! One statement serves all filters of a list. Plans are made for the values given (`puente_service::db`), so that a filter
//! that is not used costs nothing, and one that is used finds its index.

use std::collections::HashMap;

use puente_proto::ocr::StoredPhoto;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::State;
use crate::infrastructure::store::flat::Flat;
use crate::infrastructure::store::row::Row;

/// Which captures are wanted.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// None: all.
    pub(crate) states: Vec<State>,
    pub(crate) order: Option<Uuid>,
    pub(crate) asset: Option<Uuid>,
    /// As serials are compared; empty: all.
    pub(crate) serial_key: String,
    /// Only those beyond this place.
    pub(crate) after: Option<(OffsetDateTime, Uuid)>,
}

/// The newest `limit` captures that fit.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let flats = sqlx::query_as!(
        Flat,
        "SELECT id, state, version, order_id, asset_id, channel, contact, serial, confidence, origin, decided_by, engine,
                facts, attempt, attempts_allowed, threshold, next_turn, tries, opened_at, updated_at, traceparent
         FROM plate_captures
         WHERE tenant = $1 AND version > 0
           AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
           AND ($3::uuid IS NULL OR order_id = $3)
           AND ($4::uuid IS NULL OR asset_id = $4)
           AND ($5 = '' OR serial_key = $5)
           AND ($6::timestamptz IS NULL OR (opened_at, id) < ($6, $7))
         ORDER BY opened_at DESC, id DESC LIMIT $8",
        tenant.as_str(),
        &states as &[&str],
        filter.order,
        filter.asset,
        filter.serial_key,
        filter.after.map(|(at, _)| at),
        filter.after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    flats.into_iter().map(|flat| flat.row(tenant)).collect()
}

/// The `limit` captures that fit and wait longest.
pub(crate) async fn oldest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let flats = sqlx::query_as!(
        Flat,
        "SELECT id, state, version, order_id, asset_id, channel, contact, serial, confidence, origin, decided_by, engine,
                facts, attempt, attempts_allowed, threshold, next_turn, tries, opened_at, updated_at, traceparent
         FROM plate_captures
         WHERE tenant = $1 AND version > 0
           AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
           AND ($3::uuid IS NULL OR order_id = $3)
           AND ($4::uuid IS NULL OR asset_id = $4)
           AND ($5 = '' OR serial_key = $5)
           AND ($6::timestamptz IS NULL OR (updated_at, id) > ($6, $7))
         ORDER BY updated_at, id LIMIT $8",
        tenant.as_str(),
        &states as &[&str],
        filter.order,
        filter.asset,
        filter.serial_key,
        filter.after.map(|(at, _)| at),
        filter.after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    flats.into_iter().map(|flat| flat.row(tenant)).collect()
}

/// The last photograph of each of these captures.
pub(crate) async fn last_photos(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, StoredPhoto>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (capture_id) capture_id, document_id, container AS "container!", key AS "key!",
                  sha256 AS "sha256!", media_type AS "media_type!", bytes AS "bytes!"
           FROM attempts WHERE tenant = $1 AND capture_id = ANY ($2) AND key IS NOT NULL
           ORDER BY capture_id, attempt DESC"#,
        tenant.as_str(),
        ids,
    )
    .fetch_all(connection)
    .await?;
    let photos = rows.into_iter().map(|row| {
        let photo = StoredPhoto {
            document_id: row.document_id.map(|id| id.to_string()).unwrap_or_default(),
            container: row.container,
            key: row.key,
            sha256: row.sha256,
            media_type: row.media_type,
            bytes: row.bytes.unsigned_abs(),
        };
        (row.capture_id, photo)
    });
    Ok(photos.collect())
}

/// How many captures stand in each state.
pub(crate) async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Vec<(String, u64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT state, count(*) AS "count!" FROM plate_captures WHERE tenant = $1 AND version > 0 GROUP BY state"#,
        tenant.as_str(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.state, row.count.unsigned_abs()))
        .collect())
}
