//! The two statements that write a batch. Each is one commit.
//!
//! The slot's lock fences a replica that was taken for dead. Keys are inserted in their own order, and after them
//! conversations counted on in theirs, so that two batches that share some wait for each other instead of deadlocking.

use std::borrow::Cow;

use puente_outbox::Outbox;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::rows::{Keys, Rows};
use super::written::Written;

/// What a statement answers with: one row.
struct Answer {
    fenced: bool,
    ids: Option<Vec<Uuid>>,
    seqs: Option<Vec<i64>>,
    versions: Option<Vec<Option<i64>>>,
    at: Option<OffsetDateTime>,
}

impl Answer {
    /// `None`: the slot is no longer ours.
    fn written(self) -> Option<Written> {
        self.fenced.then(|| Written {
            ids: self.ids.unwrap_or_default(),
            seqs: self.seqs.unwrap_or_default(),
            versions: self.versions.unwrap_or_default(),
            at: self.at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        })
    }
}

/// Whether a statement wrote nothing because it met a happening that is known.
pub(super) fn is_known_key(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.constraint() == Some("delivery_keys_pkey"))
}

/// Writes a batch in which every happening is new. Fails at the first key that is known, before anything else is
/// written.
///
/// Much of what a statement costs is to hand rows from one part of it to the next, so they are unfolded where they are
/// inserted, in the order they have. Deliveries come before the counts, whose rows stay locked until the commit; asking
/// how many there are makes the one wait for the other.
pub(super) async fn all_new(
    connection: &mut PgConnection,
    outbox: &Outbox,
    rows: &Rows<'_>,
    keys: &Keys<'_>,
) -> Result<Option<Written>, sqlx::Error> {
    let (d, e, counts) = (&rows.deliveries, &rows.events, rows.counts());
    let answer = sqlx::query_as!(
        Answer,
        r#"WITH fence AS (SELECT slot FROM relay_slots WHERE slot = $1 AND owner = $2 FOR KEY SHARE),
           fresh AS (
               INSERT INTO delivery_keys (key, event_id, delivery_id, provider)
               SELECT k.key, k.event_id, k.delivery_id, k.provider
               FROM fence, (SELECT unnest($3::uuid[]) AS key, unnest($4::uuid[]) AS event_id,
                                   unnest($5::uuid[]) AS delivery_id, unnest($6::text[]) AS provider) AS k
               RETURNING 1),
           stored AS (
               INSERT INTO deliveries (id, receipt_sequence, provider, connection, tenant, path, query, kept_headers, body,
                                       body_bytes, verification, outcome, reason, events, traceparent)
               SELECT d.id, d.receipt_sequence, d.provider, d.connection, d.tenant, d.path, d.query, d.headers, d.body,
                      d.body_bytes, d.verification, d.outcome, d.reason, d.events, d.traceparent
               FROM fence, (SELECT unnest($7::uuid[]) AS id, unnest($8::bigint[]) AS receipt_sequence,
                                   unnest($9::text[]) AS provider, unnest($10::text[]) AS connection,
                                   unnest($11::text[]) AS tenant, unnest($12::text[]) AS path,
                                   unnest($13::text[]) AS query, unnest($14::text[]) AS headers,
                                   unnest($15::bytea[]) AS body, unnest($16::int[]) AS body_bytes,
                                   unnest($17::text[]) AS verification, unnest($18::text[]) AS outcome,
                                   unnest($19::text[]) AS reason, unnest($20::int[]) AS events,
                                   unnest($21::text[]) AS traceparent) AS d
               WHERE (SELECT count(*) FROM fresh) >= 0
               RETURNING 1),
           counted AS (
               INSERT INTO conversation_counts AS c (conversation, last)
               SELECT g.conversation, g.more
               FROM fence, (SELECT unnest($22::uuid[]) AS conversation, unnest($23::bigint[]) AS more) AS g
               WHERE (SELECT count(*) FROM stored) >= 0
               ON CONFLICT (conversation) DO UPDATE SET last = c.last + excluded.last
               RETURNING c.conversation, c.last),
           o AS (
               INSERT INTO outbox (slot, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload)
               SELECT fence.slot, e.id, e.tenant, e.type, e.aggregate_id,
                      (SELECT array_agg(counted.last ORDER BY counted.conversation) FROM counted)[e.place] - e.behind,
                      e.delivery_id::text, e.traceparent, e.payload
               FROM fence, (SELECT unnest($24::uuid[]) AS id, unnest($25::text[]) AS tenant, unnest($26::text[]) AS type,
                                   unnest($27::text[]) AS aggregate_id, unnest($28::uuid[]) AS delivery_id,
                                   unnest($29::text[]) AS traceparent, unnest($30::bytea[]) AS payload,
                                   unnest($31::int[]) AS place, unnest($32::bigint[]) AS behind) AS e
               RETURNING seq, id, aggregate_version, created_at)
           SELECT EXISTS (SELECT FROM fence) AS "fenced!", array_agg(o.id) AS "ids", array_agg(o.seq) AS "seqs",
                  array_agg(o.aggregate_version) AS "versions: Vec<Option<i64>>", min(o.created_at) AS "at"
           FROM o"#,
        outbox.slot(),
        outbox.owner(),
        &keys.keys,
        &keys.events,
        &keys.deliveries,
        &keys.providers as &[&str],
        &d.ids,
        &d.sequences,
        &d.providers as &[&str],
        &d.connections as &[Option<&str>],
        &d.tenants as &[Option<&str>],
        &d.paths as &[Cow<'_, str>],
        &d.queries as &[Cow<'_, str>],
        &d.headers as &[&str],
        &d.bodies as &[&[u8]],
        &d.sizes,
        &d.verifications as &[&str],
        &d.outcomes as &[&str],
        &d.reasons as &[Option<Cow<'_, str>>],
        &d.counts,
        &d.traces as &[Option<&str>],
        &counts.conversations,
        &counts.more,
        &e.ids,
        &e.tenants as &[&str],
        &e.types as &[&str],
        &e.aggregates as &[Cow<'_, str>],
        &e.deliveries,
        &e.traces as &[Option<&str>],
        &e.payloads as &[&[u8]],
        &counts.places as &[Option<i32>],
        &counts.behind,
    )
    .fetch_one(connection)
    .await?;
    Ok(answer.written())
}

/// Writes a batch in which happenings may be known already: those make no events.
pub(super) async fn with_known(
    connection: &mut PgConnection,
    outbox: &Outbox,
    rows: &Rows<'_>,
) -> Result<Option<Written>, sqlx::Error> {
    let (d, e) = (&rows.deliveries, &rows.events);
    let answer = sqlx::query_as!(
        Answer,
        r#"WITH fence AS (SELECT slot FROM relay_slots WHERE slot = $1 AND owner = $2 FOR KEY SHARE),
           e AS (SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[], $27::uuid[])
                 WITH ORDINALITY AS e (key, id, delivery_id, provider, tenant, type, aggregate_id, traceparent, payload, conversation, n)),
           fresh AS (
               INSERT INTO delivery_keys (key, event_id, delivery_id, provider)
               SELECT e.key, e.id, e.delivery_id, e.provider FROM e, fence ORDER BY e.key, e.n
               ON CONFLICT (key) DO NOTHING RETURNING event_id, delivery_id),
           stored AS (
               INSERT INTO deliveries (id, receipt_sequence, provider, connection, tenant, path, query, kept_headers, body,
                                       body_bytes, verification, outcome, reason, events, traceparent)
               SELECT d.id, d.receipt_sequence, d.provider, d.connection, d.tenant, d.path, d.query, d.headers, d.body,
                      d.body_bytes, d.verification,
                      CASE WHEN d.outcome = 'accepted' AND d.id NOT IN (SELECT delivery_id FROM fresh) THEN 'duplicate' ELSE d.outcome END,
                      d.reason, d.events, d.traceparent
               FROM fence, unnest($12::uuid[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                                  $20::bytea[], $21::int[], $22::text[], $23::text[], $24::text[], $25::int[], $26::text[])
                    AS d (id, receipt_sequence, provider, connection, tenant, path, query, headers, body, body_bytes,
                          verification, outcome, reason, events, traceparent)),
           counted AS (
               INSERT INTO conversation_counts AS c (conversation, last)
               SELECT e.conversation, count(*) FROM e JOIN fresh ON fresh.event_id = e.id
               WHERE e.conversation IS NOT NULL GROUP BY e.conversation ORDER BY e.conversation
               ON CONFLICT (conversation) DO UPDATE SET last = c.last + excluded.last
               RETURNING c.conversation, c.last),
           o AS (
               INSERT INTO outbox (slot, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload)
               SELECT fence.slot, e.id, e.tenant, e.type, e.aggregate_id,
                      counted.last + 1 - row_number() OVER (PARTITION BY e.conversation ORDER BY e.n DESC),
                      e.delivery_id::text, e.traceparent, e.payload
               FROM fence, e JOIN fresh ON fresh.event_id = e.id
                    LEFT JOIN counted ON counted.conversation = e.conversation
               ORDER BY e.n
               RETURNING seq, id, aggregate_version, created_at)
           SELECT EXISTS (SELECT FROM fence) AS "fenced!", array_agg(o.id) AS "ids", array_agg(o.seq) AS "seqs",
                  array_agg(o.aggregate_version) AS "versions: Vec<Option<i64>>", min(o.created_at) AS "at"
           FROM o"#,
        outbox.slot(),
        outbox.owner(),
        &e.keys,
        &e.ids,
        &e.deliveries,
        &e.providers as &[&str],
        &e.tenants as &[&str],
        &e.types as &[&str],
        &e.aggregates as &[Cow<'_, str>],
        &e.traces as &[Option<&str>],
        &e.payloads as &[&[u8]],
        &d.ids,
        &d.sequences,
        &d.providers as &[&str],
        &d.connections as &[Option<&str>],
        &d.tenants as &[Option<&str>],
        &d.paths as &[Cow<'_, str>],
        &d.queries as &[Cow<'_, str>],
        &d.headers as &[&str],
        &d.bodies as &[&[u8]],
        &d.sizes,
        &d.verifications as &[&str],
        &d.outcomes as &[&str],
        &d.reasons as &[Option<Cow<'_, str>>],
        &d.counts,
        &d.traces as &[Option<&str>],
        &e.conversations as &[Option<Uuid>],
    )
    .fetch_one(connection)
    .await?;
    Ok(answer.written())
}
