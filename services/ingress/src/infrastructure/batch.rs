//! Group commit: requests that arrive together are written by one statement in one commit, then answered.
//!
//! Nobody waits for a timer: a batch is what piled up during the previous commit, so a lone webhook costs one commit,
//! and batches grow by themselves under load.

use std::time::Duration;

use puente_outbox::{Committed, Outbox, OutboxError};
use puente_types::EventId;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;

use crate::application::Received;
use crate::domain::Outcome;

/// Bodies in one statement, in bytes.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Longer than the database's own limit of a statement: beyond it the connection itself hangs.
const LONGEST_COMMIT: Duration = Duration::from_secs(40);

/// A request that waits for its commit, and where the answer goes.
pub(crate) struct Waiting {
    pub(crate) received: Received,
    pub(crate) answer: oneshot::Sender<Result<Outcome, ()>>,
    /// The memory of the body, given back when it is written: a sender that stops waiting does not free it.
    pub(crate) memory: Option<OwnedSemaphorePermit>,
}

/// Where requests are handed in; bounded.
pub(crate) type Queue = mpsc::Sender<Waiting>;

/// One writer: takes what has piled up, commits it, answers. Ends when every sender is gone and the rest is written.
pub(crate) async fn write(
    outbox: Outbox,
    waiting: std::sync::Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>,
    most: usize,
) {
    loop {
        let mut batch = Vec::new();
        {
            // One writer waits here for the next request while the other commits; nobody waits with requests in hand.
            let mut waiting = waiting.lock().await;
            let Some(first) = waiting.recv().await else { return };
            // Too large by one body at most: the bound is looked at before a request is taken.
            let mut bytes = body_len(&first);
            batch.push(first);
            while batch.len() < most && bytes < MAX_BATCH_BYTES {
                let Ok(next) = waiting.try_recv() else { break };
                bytes += body_len(&next);
                batch.push(next);
            }
        }
        commit(&outbox, batch).await;
    }
}

fn body_len(waiting: &Waiting) -> usize {
    waiting.received.stored.request.body.len()
}

async fn commit(outbox: &Outbox, batch: Vec<Waiting>) {
    let (mut received, mut answers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    let mut memory = Vec::with_capacity(batch.len());
    for waiting in batch {
        let events: Vec<EventId> = waiting
            .received
            .events
            .iter()
            .map(|(_, event)| event.id)
            .collect();
        answers.push((waiting.answer, waiting.received.stored.outcome, events));
        received.push(waiting.received);
        memory.push(waiting.memory);
    }
    // Given up, the statement leaves its ticket doubtful: the relay finds out whether it was committed.
    let saved = tokio::time::timeout(LONGEST_COMMIT, save(outbox, received)).await;
    drop(memory);
    match saved.unwrap_or_else(|_| Err(OutboxError::Database(sqlx::Error::PoolTimedOut))) {
        Ok(fresh) => {
            for (answer, outcome, events) in answers {
                let any_new = events.iter().any(|id| fresh.contains(id));
                let outcome = if outcome == Outcome::Accepted && !any_new {
                    Outcome::Duplicate
                } else {
                    outcome
                };
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            tracing::warn!(error = %error, requests = answers.len(), "webhooks could not be stored, their senders are told to come again");
            for (answer, ..) in answers {
                let _ = answer.send(Err(()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Columns of the deliveries and events of a batch.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    sequences: Vec<i64>,
    providers: Vec<String>,
    connections: Vec<Option<String>>,
    tenants: Vec<Option<String>>,
    paths: Vec<String>,
    queries: Vec<String>,
    headers: Vec<serde_json::Value>,
    bodies: Vec<Vec<u8>>,
    sizes: Vec<i32>,
    verifications: Vec<String>,
    outcomes: Vec<String>,
    reasons: Vec<Option<String>>,
    counts: Vec<i32>,
    traces: Vec<Option<String>>,
}

/// Writes deliveries, duplicate keys and outbox rows in one statement, and hands the new events to the relay.
/// Returns the ids of the events that were new.
async fn save(
    outbox: &Outbox,
    batch: Vec<Received>,
) -> Result<std::collections::HashSet<EventId>, OutboxError> {
    let mut d = Columns::default();
    let (mut keys, mut event_ids, mut event_deliveries, mut event_providers) =
        (vec![], vec![], vec![], vec![]);
    let (mut tenants, mut types, mut aggregates, mut traces, mut payloads) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut events = Vec::new();
    for Received {
        stored,
        events: found,
    } in batch
    {
        d.ids.push(stored.id.uuid());
        d.sequences.push(stored.receipt_sequence);
        d.providers.push(stored.provider.to_owned());
        d.connections.push(stored.connection);
        d.tenants.push(stored.tenant);
        d.paths.push(stored.request.path.replace('\0', ""));
        d.queries.push(stored.request.query.replace('\0', ""));
        d.headers.push(headers_for_keeping(&stored.request.headers));
        d.sizes
            .push(i32::try_from(stored.request.body.len()).unwrap_or(i32::MAX));
        d.bodies.push(stored.request.body.to_vec());
        d.verifications
            .push(if stored.verified { "verified" } else { "refused" }.to_owned());
        d.outcomes.push(stored.outcome.as_str().to_owned());
        d.reasons
            .push(stored.reason.map(|reason| reason.replace('\0', "")));
        d.counts.push(i32::try_from(found.len()).unwrap_or(i32::MAX));
        d.traces.push(stored.traceparent);
        for (key, event) in found {
            keys.push(key);
            event_ids.push(event.id.uuid());
            event_deliveries.push(stored.id.uuid());
            event_providers.push(stored.provider.to_owned());
            tenants.push(event.tenant.to_string());
            types.push(event.event.name.to_owned());
            aggregates.push(event.aggregate_id.replace('\0', ""));
            traces.push(event.traceparent.clone());
            payloads.push(event.payload.to_vec());
            events.push(event);
        }
    }
    let ticket = outbox.ticket().await;
    // One statement is one commit. The slot's lock fences a replica that was taken for dead; keys are inserted in
    // their own order, so that two batches that share keys wait for each other instead of deadlocking.
    let written = sqlx::query!(
        r#"WITH fence AS (SELECT slot FROM relay_slots WHERE slot = $1 AND owner = $2 FOR KEY SHARE),
           e AS (SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[])
                 WITH ORDINALITY AS e (key, id, delivery_id, provider, tenant, type, aggregate_id, traceparent, payload, n)),
           fresh AS (
               INSERT INTO delivery_keys (key, event_id, delivery_id, provider)
               SELECT e.key, e.id, e.delivery_id, e.provider FROM e, fence ORDER BY e.key, e.n
               ON CONFLICT (key) DO NOTHING RETURNING event_id, delivery_id),
           stored AS (
               INSERT INTO deliveries (id, receipt_sequence, provider, connection, tenant, path, query, headers, body,
                                       body_bytes, verification, outcome, reason, events, traceparent)
               SELECT d.id, d.receipt_sequence, d.provider, d.connection, d.tenant, d.path, d.query, d.headers, d.body,
                      d.body_bytes, d.verification,
                      CASE WHEN d.outcome = 'accepted' AND d.id NOT IN (SELECT delivery_id FROM fresh) THEN 'duplicate' ELSE d.outcome END,
                      d.reason, d.events, d.traceparent
               FROM fence, unnest($12::uuid[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::jsonb[],
                                  $20::bytea[], $21::int[], $22::text[], $23::text[], $24::text[], $25::int[], $26::text[])
                    AS d (id, receipt_sequence, provider, connection, tenant, path, query, headers, body, body_bytes,
                          verification, outcome, reason, events, traceparent)),
           o AS (
               INSERT INTO outbox (slot, id, tenant, type, aggregate_id, cause, traceparent, payload)
               SELECT fence.slot, e.id, e.tenant, e.type, e.aggregate_id, e.delivery_id::text, e.traceparent, e.payload
               FROM fence, e JOIN fresh ON fresh.event_id = e.id ORDER BY e.n
               RETURNING seq, id, created_at)
           SELECT fence.slot AS "slot!", o.seq AS "seq?", o.id AS "id?", o.created_at AS "created_at?"
           FROM fence LEFT JOIN o ON true"#,
        outbox.slot(),
        outbox.owner(),
        &keys,
        &event_ids,
        &event_deliveries,
        &event_providers,
        &tenants,
        &types,
        &aggregates,
        &traces as &[Option<String>],
        &payloads,
        &d.ids,
        &d.sequences,
        &d.providers,
        &d.connections as &[Option<String>],
        &d.tenants as &[Option<String>],
        &d.paths,
        &d.queries,
        &d.headers,
        &d.bodies,
        &d.sizes,
        &d.verifications,
        &d.outcomes,
        &d.reasons as &[Option<String>],
        &d.counts,
        &d.traces as &[Option<String>],
    )
    .fetch_all(outbox.pool())
    // An error may hide a commit whose answer was lost: the ticket then is dropped, and the relay looks.
    .await?;
    if written.is_empty() {
        ticket.abandoned();
        return Err(OutboxError::SlotLost);
    }
    let rows = written
        .into_iter()
        .filter_map(|row| Some((EventId::from(row.id?), row.seq?, row.created_at?)));
    let committed = Committed::pair(events, rows);
    let fresh = committed.iter().map(|row| row.event.id).collect();
    ticket.committed(committed);
    Ok(fresh)
}

/// Headers as they are kept: credentials are not.
fn headers_for_keeping(headers: &axum::http::HeaderMap) -> serde_json::Value {
    let mut kept = serde_json::Map::new();
    for (name, value) in headers {
        let shown = match name.as_str() {
            "authorization" | "proxy-authorization" | "cookie" | "x-api-key" => "[removed]".to_owned(),
            _ => String::from_utf8_lossy(value.as_bytes()).replace('\0', ""),
        };
        kept.insert(name.as_str().to_owned(), shown.into());
    }
    kept.into()
}
