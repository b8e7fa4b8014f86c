//! Reading deliveries for a replay, a bounded part at a time, oldest first.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use futures::StreamExt as _;
use puente_types::DeliveryId;
use puente_webhook_auth::RawRequest;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::application::Kept;
use crate::domain::DeliveryFilter;
use crate::domain::moment::{SKEW, floor, moment};

/// Deliveries in one part.
pub(crate) const MOST: usize = 500;
/// Bodies in one part, in bytes; too large by one body at most.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Which deliveries a replay is about. Both ends of its time are known.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Only this tenant's, whatever the rows say.
    pub(crate) tenant: Option<String>,
    pub(crate) filter: DeliveryFilter,
    pub(crate) since: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
}

impl Wanted {
    /// Below every delivery that is meant.
    pub(crate) fn start(&self) -> Uuid {
        floor(self.since - SKEW)
    }

    /// Above every delivery that is meant.
    pub(crate) fn end(&self) -> Uuid {
        floor(self.until + SKEW)
    }
}

/// A stored delivery.
pub(crate) struct Stored {
    pub(crate) kept: Kept,
    pub(crate) provider: String,
    pub(crate) outcome: String,
    pub(crate) traceparent: Option<String>,
    /// Events found in it then.
    pub(crate) events: usize,
}

/// Some deliveries in the order of receipt.
pub(crate) struct Part {
    pub(crate) deliveries: Vec<Stored>,
    /// Everything up to here was read.
    pub(crate) cursor: Uuid,
}

/// The next deliveries after `after`, within `length` of time.
pub(crate) async fn read(
    connection: &mut PgConnection,
    wanted: &Wanted,
    after: Uuid,
    length: Duration,
    most: usize,
) -> Result<Part, sqlx::Error> {
    let high = floor(moment(after) + length).min(wanted.end());
    let filter = &wanted.filter;
    let mut rows = sqlx::query!(
        r#"SELECT id, connection, received_at, receipt_sequence, verification, provider, outcome, events, path, query,
                coalesce(kept_headers, headers::text, '{}') AS "headers!", body, traceparent
         FROM deliveries
         WHERE id > $1 AND id < $2 AND received_at >= $3 AND received_at < $4
           AND ($5::text IS NULL OR tenant = $5)
           AND ($6::text IS NULL OR provider = $6) AND ($7::text IS NULL OR connection = $7)
           AND (cardinality($8::text[]) = 0 OR outcome = ANY ($8))
           AND ($9::text IS NULL OR substr(traceparent, 4, 32) = $9)
         ORDER BY id LIMIT $10"#,
        after,
        high,
        wanted.since.max(moment(after) - SKEW),
        wanted.until.min(moment(high) + SKEW),
        wanted.tenant,
        filter.provider,
        filter.connection,
        &filter.outcomes,
        filter.trace_id,
        i64::try_from(most).unwrap_or(i64::MAX)
    )
    .fetch(connection);
    let mut deliveries = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().await {
        let row = row?;
        bytes += row.body.len();
        let id = row.id;
        let request = RawRequest {
            method: Method::POST,
            path: row.path,
            query: row.query,
            headers: headers(&row.headers),
            body: Bytes::from(row.body),
        };
        deliveries.push(Stored {
            kept: Kept {
                id: DeliveryId::from(id),
                received_at: row.received_at,
                receipt_sequence: row.receipt_sequence,
                connection: row.connection,
                verification: row.verification,
                request,
            },
            provider: row.provider,
            outcome: row.outcome,
            traceparent: row.traceparent,
            events: usize::try_from(row.events).unwrap_or(0),
        });
        if deliveries.len() >= most || bytes >= MOST_BYTES {
            return Ok(Part {
                deliveries,
                cursor: id,
            });
        }
    }
    Ok(Part {
        deliveries,
        cursor: high,
    })
}

/// How many deliveries are meant.
pub(crate) async fn count(connection: &mut PgConnection, wanted: &Wanted) -> Result<u64, sqlx::Error> {
    let filter = &wanted.filter;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM deliveries
           WHERE received_at >= $1 AND received_at < $2 AND id > $8 AND id < $9
             AND ($3::text IS NULL OR tenant = $3)
             AND ($4::text IS NULL OR provider = $4) AND ($5::text IS NULL OR connection = $5)
             AND (cardinality($6::text[]) = 0 OR outcome = ANY ($6))
             AND ($7::text IS NULL OR substr(traceparent, 4, 32) = $7)"#,
        wanted.since,
        wanted.until,
        wanted.tenant,
        filter.provider,
        filter.connection,
        &filter.outcomes,
        filter.trace_id,
        wanted.start(),
        wanted.end()
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Headers as they were kept; one that is no header any more is left out.
fn headers(kept: &str) -> HeaderMap {
    let kept: HashMap<String, String> = serde_json::from_str(kept).unwrap_or_default();
    kept.into_iter()
        .filter_map(|(name, value)| {
            Some((
                name.parse::<HeaderName>().ok()?,
                HeaderValue::from_bytes(value.as_bytes()).ok()?,
            ))
        })
        .collect()
}
