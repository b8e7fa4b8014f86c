//! The consuming side: an event is marked, worked and answered with new events in one transaction.
//!
//! Events that arrive together share a transaction. When one of them fails, the transaction is rolled back and each is
//! worked alone, so that one bad event delays nobody. What cannot be worked becomes a dead letter: a row with its reason.
//! What fails only because the database is away is never one, however long that lasts: see [`tries`](crate::tries).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use puente_bus::topology::ConsumerSpec;
use puente_bus::{BatchHandler, Disposition, Envelope, EnvelopeError, Received};
use puente_telemetry::{metric, set_parent};
use puente_types::EventId;
use puente_types::{Clock as _, SystemClock};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::passing::{is_away, is_overlong, is_passing};
use crate::tries::Tries;
use crate::{Outbox, OutboxError, Tx};

/// The pause before an event is delivered again while the database is away.
const DATABASE_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause before an event that failed is delivered again.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The first pause of an event that came before its predecessor, which mostly is a moment behind.
const FIRST_GAP_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause of such an event.
const GAP_PAUSE: Duration = Duration::from_millis(250);
/// How much more patience a gap gets than a failure: its predecessor may sit with a replica that has to be found dead.
const GAP_PATIENCE: i64 = 40;

/// Why an event was not applied. The transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// May work later: delivered again with growing pauses, then a dead letter.
    #[error("{0}")]
    Retry(String),
    /// Says nothing about the event, and hinders others as well: delivered again for as long as it lasts, never a dead
    /// letter.
    #[error("{0}")]
    Passing(String),
    /// Its predecessor is not here yet: delivered again soon.
    #[error("an earlier event of the aggregate is missing")]
    Early,
    /// Never works: a dead letter at once.
    #[error("{0}")]
    Dead(String),
    /// The database's own answer.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
}

impl ApplyError {
    /// Whether the next event would fail as well.
    fn is_away(&self) -> bool {
        match self {
            Self::Passing(_) => true,
            Self::Database(error) => is_away(error),
            Self::Retry(_) | Self::Early | Self::Dead(_) => false,
        }
    }

    /// Whether it says nothing about the event.
    fn is_passing(&self) -> bool {
        match self {
            Self::Passing(_) => true,
            Self::Database(error) => is_passing(error) && !is_overlong(error),
            Self::Retry(_) | Self::Early | Self::Dead(_) => false,
        }
    }
}

/// Nothing can be worked now: what is left of a batch is not tried.
struct Away;

/// A payload that is not the event's message never will be.
impl From<EnvelopeError> for ApplyError {
    fn from(error: EnvelopeError) -> Self {
        Self::Dead(error.to_string())
    }
}

/// What a service does with an event.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// Applies one event inside the transaction. Must not call a provider, and must not wait for anything but the
    /// database. Called again for the same event only when an earlier transaction was rolled back.
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError>;

    /// Told after the commit, once per batch that changed something: for waking what waits for new work.
    fn committed(&self) {}
}

/// A consumer's inbox; a [`BatchHandler`] for `puente_bus::consume`.
pub struct Inbox<H> {
    pub(crate) outbox: Outbox,
    pub(crate) spec: ConsumerSpec,
    handler: Arc<H>,
    tries: Tries,
}

impl<H: EventHandler> Inbox<H> {
    /// The inbox of `spec` in the schema of the outbox.
    pub fn new(outbox: Outbox, spec: ConsumerSpec, handler: Arc<H>) -> Self {
        Self {
            outbox,
            spec,
            handler,
            tries: Tries::default(),
        }
    }

    /// All or nothing. `Ok` holds the number of events that were new.
    async fn together(&self, events: &[&Envelope]) -> Result<usize, ApplyError> {
        let mut tx = self.outbox.begin().await?;
        let count = self.work(&mut tx, events).await?;
        self.finish(tx, count).await?;
        Ok(count)
    }

    /// Marks and applies events in a transaction; returns the number of those that were new.
    pub(crate) async fn work(&self, tx: &mut Tx, events: &[&Envelope]) -> Result<usize, ApplyError> {
        let mut fresh = mark(tx, self.spec.durable, events).await?;
        let count = fresh.len();
        // One order of aggregates for every batch of every replica: two batches that touch the same rows wait for each
        // other instead of deadlocking. Versions of one aggregate come in their order, the rest as the stream had it.
        let mut ordered = events.to_vec();
        ordered.sort_by_key(|event| (event.aggregate_id.as_str(), event.aggregate_version));
        for event in ordered {
            // Taken out as it is worked: the same event may stand twice in one batch.
            if !fresh.remove(&event.id.uuid()) {
                continue;
            }
            let span = tracing::info_span!(
                "event.handle",
                otel.kind = "consumer",
                otel.name = event.event.name,
                consumer = self.spec.durable,
                event.id = %event.id,
                tenant.id = %event.tenant,
                aggregate.id = event.aggregate_id,
            );
            set_parent(&span, event.traceparent.as_deref());
            self.handler.apply(tx, event).instrument(span).await?;
        }
        Ok(count)
    }

    /// Commits, and wakes whoever waits for what the events brought.
    pub(crate) async fn finish(&self, tx: Tx, count: usize) -> Result<(), ApplyError> {
        tx.commit().await.map_err(|error| match error {
            OutboxError::Database(error) => ApplyError::Database(error),
            lost @ OutboxError::SlotLost => ApplyError::Passing(lost.to_string()),
        })?;
        if count > 0 {
            self.handler.committed();
        }
        Ok(())
    }

    async fn alone(&self, event: &Envelope, received: &Received) -> Result<Disposition, Away> {
        let error = match self.together(&[event]).await {
            Ok(_) => {
                self.tries.forget(std::iter::once(event.id.uuid()));
                return Ok(Disposition::Ack);
            }
            Err(error) => error,
        };
        if error.is_passing() {
            tracing::warn!(consumer = self.spec.durable, event.id = %event.id, error = %error, "event waits for the database");
            return if error.is_away() {
                Err(Away)
            } else {
                Ok(Disposition::Retry(DATABASE_PAUSE))
            };
        }
        match error {
            ApplyError::Dead(reason) => self.bury(event, received, &reason, "refused").await,
            ApplyError::Early => {
                let gaps = self.tries.early(event.id.uuid());
                if gaps < self.spec.max_deliver * GAP_PATIENCE {
                    return Ok(Disposition::Retry(gap_pause(gaps)));
                }
                let reason = "an earlier event of the aggregate never came";
                self.bury(event, received, reason, "gap").await
            }
            // A statement that the database refuses for what it says fails every time: it has a budget like any failure.
            ApplyError::Database(error) => {
                self.again_or_bury(event, received, &format!("the database refused: {error}"))
                    .await
            }
            ApplyError::Retry(reason) | ApplyError::Passing(reason) => {
                self.again_or_bury(event, received, &reason).await
            }
        }
    }

    /// Tries again with a growing pause, until the budget of failures is used up.
    async fn again_or_bury(
        &self,
        event: &Envelope,
        received: &Received,
        reason: &str,
    ) -> Result<Disposition, Away> {
        let failures = self.tries.failed(event.id.uuid());
        if failures >= self.spec.max_deliver {
            return self.bury(event, received, reason, "exhausted").await;
        }
        tracing::warn!(consumer = self.spec.durable, event.id = %event.id, attempt = failures, reason, "event will be tried again");
        Ok(Disposition::Retry(pause(failures)))
    }

    /// Writes the dead letter; only then is the event acknowledged.
    async fn bury(
        &self,
        event: &Envelope,
        received: &Received,
        reason: &str,
        label: &'static str,
    ) -> Result<Disposition, Away> {
        let reason = short(reason);
        let written = sqlx::query!(
            "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, aggregate_version,
                                       cause, traceparent, occurred_at, payload, reason, attempts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (event_id, consumer) DO UPDATE
             SET reason = excluded.reason, attempts = excluded.attempts, dead_at = now(), resolved_at = NULL,
                 resolution = NULL, resolved_by = NULL, resolution_reason = NULL",
            event.id.uuid(),
            self.spec.durable,
            event.tenant.as_str(),
            received.subject,
            event.event.name,
            event.aggregate_id,
            event.aggregate_version,
            event.cause,
            event.traceparent,
            event.occurred_at,
            event.payload.as_ref(),
            reason,
            i32::try_from(received.delivered).unwrap_or(i32::MAX),
        )
        .execute(self.outbox.pool())
        .await;
        match written {
            Ok(_) => {
                metric::dead_letter(self.spec.durable, label);
                tracing::error!(consumer = self.spec.durable, event.id = %event.id, reason, "event is a dead letter");
                self.tries.forget(std::iter::once(event.id.uuid()));
                Ok(Disposition::Ack)
            }
            Err(error) => unburied(&error),
        }
    }

    /// A message that is no event has no tenant to file it under: it is filed under the word `unknown`.
    async fn bury_stranger(&self, received: &Received, reason: &str) -> Result<Disposition, Away> {
        // The place in the stream identifies it, so that a repeated delivery is the same dead letter.
        let id = Uuid::from_u128(u128::from(received.stream_sequence));
        let written = sqlx::query!(
            "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason, attempts)
             VALUES ($1, $2, 'unknown', $3, 'unknown', '', now(), ''::bytea, $4, 1)
             ON CONFLICT (event_id, consumer) DO NOTHING",
            id,
            self.spec.durable,
            received.subject,
            reason,
        )
        .execute(self.outbox.pool())
        .await;
        match written {
            Ok(_) => {
                metric::dead_letter(self.spec.durable, "undecodable");
                tracing::error!(
                    consumer = self.spec.durable,
                    stream.sequence = received.stream_sequence,
                    reason,
                    "message is no event"
                );
                Ok(Disposition::Ack)
            }
            Err(error) => unburied(&error),
        }
    }
}

impl<H: EventHandler> Inbox<H> {
    /// All together, or each alone. Once the database is found to be away, nothing more of the batch is tried: each
    /// would wait for a connection in its turn, and a service that ends waits for the batch.
    async fn dispose(&self, batch: &[Received], events: &[&Envelope]) -> Vec<Disposition> {
        let (mut done, mut away) = (false, false);
        if events.len() > 1 {
            match self.together(events).await {
                Ok(_) => {
                    self.tries.forget(events.iter().map(|event| event.id.uuid()));
                    done = true;
                }
                Err(error) if error.is_away() => {
                    tracing::warn!(consumer = self.spec.durable, events = events.len(), error = %error, "events wait for the database");
                    return vec![Disposition::Retry(DATABASE_PAUSE); batch.len()];
                }
                Err(_) => {}
            }
        }
        let mut dispositions = Vec::with_capacity(batch.len());
        for received in batch {
            let disposition = match &received.event {
                Ok(_) if done => Ok(Disposition::Ack),
                _ if away => Err(Away),
                Ok(event) => self.alone(event, received).await,
                Err(error) => self.bury_stranger(received, &error.to_string()).await,
            };
            away = disposition.is_err();
            dispositions.push(disposition.unwrap_or(Disposition::Retry(DATABASE_PAUSE)));
        }
        dispositions
    }
}

#[async_trait]
impl<H: EventHandler> BatchHandler for Inbox<H> {
    async fn handle(&self, batch: &[Received]) -> Vec<Disposition> {
        let started = Instant::now();
        let events: Vec<&Envelope> = batch
            .iter()
            .filter_map(|received| received.event.as_ref().ok())
            .collect();
        if let Some(oldest) = events.iter().map(|event| event.occurred_at).min() {
            let age = SystemClock.now() - oldest;
            metric::event_age(self.spec.durable, age.try_into().unwrap_or_default());
        }
        let dispositions = self.dispose(batch, &events).await;
        let done = dispositions.iter().filter(|d| **d == Disposition::Ack).count();
        metric::events_consumed(self.spec.durable, "done", done as u64, started.elapsed());
        if done < batch.len() {
            metric::events_consumed(
                self.spec.durable,
                "again",
                (batch.len() - done) as u64,
                started.elapsed(),
            );
        }
        dispositions
    }
}

/// Whether a consumer of this schema has handled an event, or does so in this transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn handled(
    connection: &mut sqlx::PgConnection,
    consumer: &str,
    event: EventId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inbox WHERE event_id = $1 AND consumer = $2) AS "handled!""#,
        event.uuid(),
        consumer
    )
    .fetch_one(connection)
    .await
}

/// Marks the events of a batch; returns those that were not marked before.
async fn mark(tx: &mut Tx, consumer: &str, events: &[&Envelope]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let mut ids: Vec<Uuid> = events.iter().map(|event| event.id.uuid()).collect();
    // One order for all replicas: two batches that share events wait for each other instead of deadlocking.
    ids.sort_unstable();
    ids.dedup();
    let fresh = sqlx::query_scalar!(
        "INSERT INTO inbox (event_id, consumer) SELECT id, $2 FROM unnest($1::uuid[]) AS e (id)
         ON CONFLICT DO NOTHING RETURNING event_id",
        &ids,
        consumer
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// As much of a reason as is kept.
pub(crate) fn short(reason: &str) -> String {
    reason.chars().take(500).collect()
}

/// A dead letter that could not be written: the event stays with the broker.
fn unburied(error: &sqlx::Error) -> Result<Disposition, Away> {
    if is_away(error) {
        return Err(Away);
    }
    Ok(Disposition::Retry(DATABASE_PAUSE))
}

fn gap_pause(gaps: i64) -> Duration {
    let doublings = u32::try_from(gaps.clamp(1, 10) - 1).unwrap_or(0);
    (FIRST_GAP_PAUSE * 2_u32.pow(doublings)).min(GAP_PAUSE)
}

fn pause(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(1, 10) - 1).unwrap_or(0);
    (Duration::from_millis(200) * 2_u32.pow(doublings)).min(MAX_PAUSE)
}
