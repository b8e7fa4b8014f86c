//! Reading back what was committed, for whoever compares it or has it published again.
//!
//! The outbox has no index by cause or time. Ids of version 7 begin with their time, so that events of a stretch of time
//! are a range of the index by id; and every question says between which commit times it asks, so that only the days
//! concerned are opened.

use std::ops::Range;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Committed;
use crate::table::Row;

/// Commit times that are looked at.
pub type Between = Range<OffsetDateTime>;

/// Events with one of these causes whose ids lie within one of the ranges, in the order of the outbox.
///
/// # Errors
/// When the database does not answer, or holds an event that this version does not know.
pub async fn caused_by(
    connection: &mut PgConnection,
    causes: &[String],
    ids: &[Range<Uuid>],
    between: Between,
) -> Result<Vec<Committed>, sqlx::Error> {
    let (low, high): (Vec<Uuid>, Vec<Uuid>) = ids.iter().map(|range| (range.start, range.end)).unzip();
    let rows = sqlx::query_as!(
        Row,
        "SELECT o.seq, o.id, o.tenant, o.type, o.aggregate_id, o.aggregate_version, o.cause, o.traceparent, o.payload,
                o.created_at
         FROM unnest($1::uuid[], $2::uuid[]) AS r (low, high)
         JOIN outbox AS o ON o.id >= r.low AND o.id < r.high
         WHERE o.created_at >= $3 AND o.created_at < $4 AND o.cause = ANY ($5)
         ORDER BY o.seq",
        &low,
        &high,
        between.start,
        between.end,
        causes
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}

/// The events of these ids, as far as they are still kept.
///
/// # Errors
/// When the database does not answer, or holds an event that this version does not know.
pub async fn by_ids(
    connection: &mut PgConnection,
    ids: &[Uuid],
    between: Between,
) -> Result<Vec<Committed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE id = ANY ($1) AND created_at >= $2 AND created_at < $3",
        ids,
        between.start,
        between.end
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}

/// At most `most` events of these aggregates, the latest of them.
///
/// # Errors
/// When the database does not answer, or holds an event that this version does not know.
pub async fn of_aggregates(
    connection: &mut PgConnection,
    aggregates: &[String],
    between: Between,
    most: i64,
) -> Result<Vec<Committed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE aggregate_id = ANY ($1) AND created_at >= $2 AND created_at < $3
         ORDER BY seq DESC LIMIT $4",
        aggregates,
        between.start,
        between.end,
        most
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}
