//! Group commit: requests that arrive together are written by one statement in one commit, then answered.
//!
//! Nobody waits for a timer: a batch is what piled up during the previous commit, so a lone webhook costs one commit,
//! and batches grow by themselves under load.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use puente_outbox::{Committed, NewEvent, Outbox, OutboxError};
use puente_proto::Event as _;
use puente_proto::messaging::MessageReceived;
use puente_types::EventId;
use serde::{Serialize, Serializer};
use sqlx::types::Json;
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
        answers.push(waiting.answer);
        received.push(waiting.received);
        memory.push(waiting.memory);
    }
    // Given up, the statement leaves its ticket doubtful: the relay finds out whether it was committed.
    let saved = tokio::time::timeout(LONGEST_COMMIT, save(outbox, received)).await;
    drop(memory);
    match saved.unwrap_or_else(|_| Err(OutboxError::Database(sqlx::Error::PoolTimedOut))) {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            tracing::warn!(error = %error, requests = answers.len(), "webhooks could not be stored, their senders are told to come again");
            for answer in answers {
                let _ = answer.send(Err(()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Columns of the deliveries and events of a batch, borrowed from it.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    sequences: Vec<i64>,
    providers: Vec<&'a str>,
    connections: Vec<Option<&'a str>>,
    tenants: Vec<Option<&'a str>>,
    paths: Vec<Cow<'a, str>>,
    queries: Vec<Cow<'a, str>>,
    headers: Vec<Json<KeptHeaders<'a>>>,
    bodies: Vec<&'a [u8]>,
    sizes: Vec<i32>,
    verifications: Vec<&'a str>,
    outcomes: Vec<&'a str>,
    reasons: Vec<Option<Cow<'a, str>>>,
    counts: Vec<i32>,
    traces: Vec<Option<&'a str>>,
}

/// Writes deliveries, duplicate keys and outbox rows in one statement, and hands the new events to the relay.
/// Returns what became of each delivery.
async fn save(outbox: &Outbox, batch: Vec<Received>) -> Result<Vec<Outcome>, OutboxError> {
    let mut d = Columns::default();
    let (mut keys, mut event_ids, mut event_deliveries, mut event_providers) =
        (vec![], vec![], vec![], vec![]);
    let (mut tenants, mut types, mut aggregates, mut traces, mut payloads) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut conversations = vec![];
    for Received {
        stored,
        events: found,
    } in &batch
    {
        d.ids.push(stored.id.uuid());
        d.sequences.push(stored.receipt_sequence);
        d.providers.push(stored.provider);
        d.connections.push(stored.connection.as_deref());
        d.tenants.push(stored.tenant.as_deref());
        d.paths.push(without_nul(&stored.request.path));
        d.queries.push(without_nul(&stored.request.query));
        d.headers.push(Json(KeptHeaders(&stored.request.headers)));
        d.sizes
            .push(i32::try_from(stored.request.body.len()).unwrap_or(i32::MAX));
        d.bodies.push(&stored.request.body);
        d.verifications
            .push(if stored.verified { "verified" } else { "refused" });
        d.outcomes.push(stored.outcome.as_str());
        d.reasons.push(stored.reason.as_deref().map(without_nul));
        d.counts.push(i32::try_from(found.len()).unwrap_or(i32::MAX));
        d.traces.push(stored.traceparent.as_deref());
        for (key, event) in found {
            keys.push(*key);
            event_ids.push(event.id.uuid());
            event_deliveries.push(stored.id.uuid());
            event_providers.push(stored.provider);
            tenants.push(event.tenant.as_str());
            types.push(event.event.name);
            conversations.push(conversation(event));
            aggregates.push(without_nul(&event.aggregate_id));
            traces.push(event.traceparent.as_deref());
            payloads.push(event.payload.as_ref());
        }
    }
    let ticket = outbox.ticket().await;
    // One statement is one commit. The slot's lock fences a replica that was taken for dead; keys are inserted in
    // their own order, and after them conversations counted on in theirs, so that two batches that share some wait for
    // each other instead of deadlocking.
    let written = sqlx::query!(
        r#"WITH fence AS (SELECT slot FROM relay_slots WHERE slot = $1 AND owner = $2 FOR KEY SHARE),
           e AS (SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[], $27::uuid[])
                 WITH ORDINALITY AS e (key, id, delivery_id, provider, tenant, type, aggregate_id, traceparent, payload, conversation, n)),
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
           SELECT fence.slot AS "slot!", o.seq AS "seq?", o.id AS "id?", o.aggregate_version AS "version?",
                  o.created_at AS "created_at?"
           FROM fence LEFT JOIN o ON true"#,
        outbox.slot(),
        outbox.owner(),
        &keys,
        &event_ids,
        &event_deliveries,
        &event_providers as &[&str],
        &tenants as &[&str],
        &types as &[&str],
        &aggregates as &[Cow<'_, str>],
        &traces as &[Option<&str>],
        &payloads as &[&[u8]],
        &d.ids,
        &d.sequences,
        &d.providers as &[&str],
        &d.connections as &[Option<&str>],
        &d.tenants as &[Option<&str>],
        &d.paths as &[Cow<'_, str>],
        &d.queries as &[Cow<'_, str>],
        &d.headers as &[Json<KeptHeaders<'_>>],
        &d.bodies as &[&[u8]],
        &d.sizes,
        &d.verifications as &[&str],
        &d.outcomes as &[&str],
        &d.reasons as &[Option<Cow<'_, str>>],
        &d.counts,
        &d.traces as &[Option<&str>],
        &conversations as &[Option<Uuid>],
    )
    .fetch_all(outbox.pool())
    // An error may hide a commit whose answer was lost: the ticket then is dropped, and the relay looks.
    .await?;
    if written.is_empty() {
        ticket.abandoned();
        return Err(OutboxError::SlotLost);
    }
    let mut rows: HashMap<EventId, _> = written
        .into_iter()
        .filter_map(|row| Some((row.id?.into(), (row.seq?, row.version, row.created_at?))))
        .collect();
    let mut committed = Vec::with_capacity(rows.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for Received { stored, events } in batch {
        let before = committed.len();
        committed.extend(events.into_iter().filter_map(|(_, mut event)| {
            let (seq, version, at) = rows.remove(&event.id)?;
            event.aggregate_version = version;
            Some(Committed { seq, event, at })
        }));
        let nothing_new = committed.len() == before;
        outcomes.push(match stored.outcome {
            Outcome::Accepted if nothing_new => Outcome::Duplicate,
            outcome => outcome,
        });
    }
    ticket.committed(committed);
    Ok(outcomes)
}

/// The conversation that a message is counted in; other events are not counted.
pub(crate) fn conversation(event: &NewEvent) -> Option<Uuid> {
    let is_message = event.event.name == MessageReceived::TYPE.name;
    is_message.then(|| event.aggregate_id.parse().ok()).flatten()
}

/// Headers as they are kept: credentials are not. Written straight into the statement, without a copy in between.
struct KeptHeaders<'a>(&'a axum::http::HeaderMap);

impl Serialize for KeptHeaders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| {
            let shown = match name.as_str() {
                "authorization" | "proxy-authorization" | "cookie" | "x-api-key" => "[removed]".into(),
                _ => String::from_utf8_lossy(value.as_bytes()),
            };
            (name.as_str(), without_nul(&shown).into_owned())
        }))
    }
}

/// PostgreSQL's texts hold no NUL.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "").into()
    } else {
        text.into()
    }
}
