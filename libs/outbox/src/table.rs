//! Reading rows of the outbox back as events.

use bytes::Bytes;
use puente_types::EventId;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Committed, NewEvent};

/// A row of the table.
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) r#type: String,
    pub(crate) aggregate_id: String,
    pub(crate) aggregate_version: Option<i64>,
    pub(crate) cause: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) created_at: OffsetDateTime,
}

impl Row {
    /// The row as an event. An event type or tenant that this version cannot read is an error: a newer version wrote it.
    pub(crate) fn committed(self) -> Result<Committed, sqlx::Error> {
        let unreadable =
            |what: &str| sqlx::Error::Decode(format!("outbox row {}: unknown {what}", self.seq).into());
        let event = NewEvent {
            id: EventId::from(self.id),
            tenant: self.tenant.parse().map_err(|_| unreadable("tenant"))?,
            event: puente_proto::find(&self.r#type).ok_or_else(|| unreadable("event type"))?,
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            cause: self.cause,
            traceparent: self.traceparent,
            payload: Bytes::from(self.payload),
        };
        Ok(Committed {
            seq: self.seq,
            event,
            at: self.created_at,
        })
    }
}

/// All rows as events, or an error.
pub(crate) fn all(rows: Vec<Row>) -> Result<Vec<Committed>, sqlx::Error> {
    rows.into_iter().map(Row::committed).collect()
}

/// The rows that this version can read, and how many it cannot.
pub(crate) fn readable(rows: Vec<Row>) -> (Vec<Committed>, usize) {
    let count = rows.len();
    let events: Vec<Committed> = rows.into_iter().filter_map(|row| row.committed().ok()).collect();
    let unreadable = count - events.len();
    (events, unreadable)
}

/// The rows before the first one that this version cannot read, and why it cannot.
pub(crate) fn up_to_unreadable(rows: Vec<Row>) -> (Vec<Committed>, Option<sqlx::Error>) {
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        match row.committed() {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// The next rows of a slot after `position`, in order.
pub(crate) async fn read_slot(
    pool: &PgPool,
    slot: i64,
    position: i64,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE slot = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        slot,
        position,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Whether a slot has a row after `position`.
pub(crate) async fn has_after(
    connection: &mut PgConnection,
    slot: i64,
    position: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM outbox WHERE slot = $1 AND seq > $2) AS "has!""#,
        slot,
        position
    )
    .fetch_one(connection)
    .await
}

/// Commit times that are read, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: OffsetDateTime,
    pub(crate) upto: OffsetDateTime,
}

/// The next rows of every slot after `position`, in the order of their ids, which is that of time. Not by their numbers: those
/// are found within a slot only, and each step would read all days.
pub(crate) async fn read_all(
    pool: &PgPool,
    position: Uuid,
    span: Span,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE id > $1 AND created_at >= $2 AND created_at <= $3 ORDER BY id LIMIT $4",
        position,
        span.from,
        span.upto,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The rows of these ids, in the order of their ids.
pub(crate) async fn read_ids(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE id = ANY ($1) ORDER BY id, seq",
        ids
    )
    .fetch_all(pool)
    .await
}
