//! Reading what came in. Newest first is the order of ids, which begin with the time of receipt.
//!
//! Deliveries have no index for every filter, and get none: each would be paid for by every webhook. A list walks back
//! through stretches of ids instead, longer ones as long as they are cheap, and stops after a while with what it has;
//! the cursor says where to go on. So a page may be short, or empty, and still have older ones behind it.

use std::time::Duration as Span;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::DeliveryFilter;
use crate::domain::moment::{SKEW, floor, moment};

/// The first stretch that is looked at.
const FIRST_STRETCH: Duration = Duration::minutes(1);
/// A stretch that was read within so long is followed by one four times as long.
const CHEAP: Span = Span::from_millis(250);
/// How long a list goes on walking; within the deadline of a call.
const ENOUGH: Span = Span::from_millis(1_500);
/// A trace is looked for within so long, where nothing else is said.
const TRACE_WINDOW: Duration = Duration::days(1);

/// A delivery without its content.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) tenant: Option<String>,
    pub(crate) provider: String,
    pub(crate) connection: Option<String>,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) receipt_sequence: i64,
    pub(crate) verification: String,
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) events: i32,
    pub(crate) body_bytes: i32,
    pub(crate) traceparent: Option<String>,
    pub(crate) path: String,
}

/// Part of the list, and below which id it goes on.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) deliveries: Vec<Listed>,
    pub(crate) next: Option<Uuid>,
}

/// Ids and times of receipt of one stretch.
struct Stretch {
    low: Uuid,
    high: Uuid,
    since: OffsetDateTime,
    until: OffsetDateTime,
}

/// At most `most` deliveries below `below`, newest first. Nothing older than `keep` is looked for.
pub(crate) async fn list(
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    below: Option<Uuid>,
    most: usize,
    now: OffsetDateTime,
    keep: Duration,
) -> Result<Page, sqlx::Error> {
    let begun = Instant::now();
    let window = filter.trace_id.as_ref().map_or(keep, |_| TRACE_WINDOW);
    let since = filter.since.unwrap_or(now - window).max(now - keep);
    let until = filter.until.unwrap_or(now + SKEW);
    let bottom = floor(since - SKEW);
    let mut high = below.unwrap_or(Uuid::max()).min(floor(until + SKEW));
    let mut length = FIRST_STRETCH;
    let mut page = Page::default();
    while high > bottom && page.deliveries.len() < most {
        let started = Instant::now();
        let low = floor(moment(high) - length).max(bottom);
        let stretch = Stretch {
            low,
            high,
            since: since.max(moment(low) - SKEW),
            until: until.min(moment(high) + SKEW),
        };
        let room = most - page.deliveries.len();
        // One more than there is room for, to know whether the list goes on.
        let limit = i64::try_from(room + 1).unwrap_or(i64::MAX);
        let mut found = if filter.wants_attention_only() {
            attention(connection, filter, &stretch, limit).await?
        } else {
            any(connection, filter, &stretch, limit).await?
        };
        if found.len() > room {
            found.truncate(room);
            page.deliveries.append(&mut found);
            page.next = page.deliveries.last().map(|last| last.id);
            return Ok(page);
        }
        page.deliveries.append(&mut found);
        high = low;
        if started.elapsed() < CHEAP {
            length *= 4;
        }
        if begun.elapsed() > ENOUGH {
            break;
        }
    }
    page.next = (high > bottom).then_some(high);
    Ok(page)
}

async fn any(
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    stretch: &Stretch,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT id, tenant, provider, connection, received_at, receipt_sequence, verification, outcome, reason, events,
                body_bytes, traceparent, path
         FROM deliveries
         WHERE id >= $1 AND id < $2 AND received_at >= $3 AND received_at < $4
           AND ($5::text IS NULL OR provider = $5) AND ($6::text IS NULL OR connection = $6)
           AND (cardinality($7::text[]) = 0 OR outcome = ANY ($7))
           AND ($8::text IS NULL OR substr(traceparent, 4, 32) = $8)
         ORDER BY id DESC LIMIT $9",
        stretch.low,
        stretch.high,
        stretch.since,
        stretch.until,
        filter.provider,
        filter.connection,
        &filter.outcomes,
        filter.trace_id,
        limit
    )
    .fetch_all(connection)
    .await
}

/// As [`any`], with the condition of the partial index spelt out.
async fn attention(
    connection: &mut PgConnection,
    filter: &DeliveryFilter,
    stretch: &Stretch,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        "SELECT id, tenant, provider, connection, received_at, receipt_sequence, verification, outcome, reason, events,
                body_bytes, traceparent, path
         FROM deliveries
         WHERE id >= $1 AND id < $2 AND received_at >= $3 AND received_at < $4
           AND ($5::text IS NULL OR provider = $5) AND ($6::text IS NULL OR connection = $6)
           AND outcome IN ('unroutable', 'malformed', 'ignored', 'refused') AND outcome = ANY ($7)
           AND ($8::text IS NULL OR substr(traceparent, 4, 32) = $8)
         ORDER BY id DESC LIMIT $9",
        stretch.low,
        stretch.high,
        stretch.since,
        stretch.until,
        filter.provider,
        filter.connection,
        &filter.outcomes,
        filter.trace_id,
        limit
    )
    .fetch_all(connection)
    .await
}

/// The content of a delivery.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) query: String,
    /// A JSON object.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

/// One delivery with its content.
pub(crate) async fn find(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<(Listed, Content)>, sqlx::Error> {
    let between = moment(id) - SKEW..moment(id) + SKEW;
    let row = sqlx::query!(
        r#"SELECT id, tenant, provider, connection, received_at, receipt_sequence, verification, outcome, reason, events,
                  body_bytes, traceparent, path, query, coalesce(kept_headers, headers::text, '{}') AS "headers!", body
           FROM deliveries WHERE id = $1 AND received_at >= $2 AND received_at < $3"#,
        id,
        between.start,
        between.end
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        let listed = Listed {
            id: row.id,
            tenant: row.tenant,
            provider: row.provider,
            connection: row.connection,
            received_at: row.received_at,
            receipt_sequence: row.receipt_sequence,
            verification: row.verification,
            outcome: row.outcome,
            reason: row.reason,
            events: row.events,
            body_bytes: row.body_bytes,
            traceparent: row.traceparent,
            path: row.path,
        };
        let content = Content {
            query: row.query,
            headers: row.headers,
            body: row.body,
        };
        (listed, content)
    }))
}
