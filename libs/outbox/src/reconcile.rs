//! Compares what the outboxes hold with what the stream holds, and publishes what is missing, with the same ids.
//!
//! The relay fills a broker with a new disk by itself (`drain/refill.rs`: the stream's creation time changed). What it cannot
//! see is a stream that is still the same one and lost messages: somebody deleted some, a disk was thrown back, or the
//! filling was cut short. This is the check for that, and the repair. It runs beside the fleet and may run twice.
//!
//! **What is compared.** First a *horizon* is taken from the database: rows older than a minute, of slots that are
//! given back or below their slot's cursor. All of these were published before the horizon, so that a stream that is read
//! afterwards must hold them. What is younger or above the cursor belongs to the relay and is left alone, as is what is
//! about to leave the stream by age.
//!
//! **Bounded memory.** The ids in the stream are read in slices of ascending ids, at most [`Scope::slice`] at a time: a
//! stream that holds more is read once per slice. The outbox is walked by its index on the id, a page at a time.
//!
//! **A deleted message and its id.** The stream refuses an id that it took within its duplicate window, also when the
//! message was deleted since. Such a refusal names the place of the first one: when nothing stands there, the event
//! is published under an id that names the hole. Consumers know events by `ce-id`, which stays.

mod road;
mod rows;
mod slice;

use std::time::Duration;

use async_nats::jetstream;
use puente_bus::BusError;
use sqlx::PgPool;
use time::OffsetDateTime;

use road::Road;
pub(crate) use road::last_message_before;
use rows::{Horizon, Rows};
use slice::Slice;

use crate::late::Oldest;

/// Ids of the stream that are compared at a time: at most 64 MiB.
const SLICE: usize = 2_000_000;
/// Rows younger than this are the relay's. More than any commit takes, so that no such row is still invisible.
const YOUNG: Duration = Duration::from_mins(1);
/// Rows this near to leaving the stream by their age are not brought back.
pub(crate) const LEAVING: Duration = Duration::from_mins(10);

/// One service's outbox.
#[derive(Debug, Clone)]
pub struct Source {
    /// The service, which is the events' source.
    pub service: &'static str,
    /// Its schema, as its worker.
    pub pool: PgPool,
}

/// How to go about it.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Count only.
    pub dry_run: bool,
    /// Only rows committed since.
    pub since: Option<OffsetDateTime>,
    /// Ids of the stream that are compared at a time; the memory of twice as many is needed.
    pub slice: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            dry_run: false,
            since: None,
            slice: SLICE,
        }
    }
}

/// What was found of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// The service.
    pub service: &'static str,
    /// Rows of the outbox that the stream should hold, and does.
    pub found: u64,
    /// Rows that it should hold, and did not.
    pub missing: u64,
    /// Those of them that it holds now.
    pub republished: u64,
}

/// How far it is, for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Messages of the stream read in this pass, and how many there are.
    Reading(u64, u64),
    /// Rows of a service's outbox compared so far.
    Comparing(&'static str, u64),
}

/// Why it ended early. What was published stays; another run goes on.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The database's own answer.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// The broker's own answer.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A publish that was not confirmed.
    #[error("an event could not be published")]
    Publish(#[from] jetstream::context::PublishError),
    /// There is no stream to compare with: services declare and fill it when they run.
    #[error("the broker has no event stream; it is made, and filled from the outboxes, when services run")]
    NoStream,
}

/// Compares, and publishes what is missing.
///
/// # Errors
/// [`ReconcileError`] when database or broker do not answer.
pub async fn reconcile(
    sources: &[Source],
    client: &async_nats::Client,
    scope: Scope,
    watch: impl FnMut(Step),
) -> Result<Vec<Reconciled>, ReconcileError> {
    compare(sources, client, scope, Compared::Published, watch).await
}

/// Which rows are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Those that must have been published: below their slot's cursor, and not of this minute.
    Published,
    /// All that were committed. What a relay publishes at the same time is a duplicate to the stream.
    Committed,
}

/// The same, for other rows.
pub(crate) async fn compare(
    sources: &[Source],
    client: &async_nats::Client,
    scope: Scope,
    compared: Compared,
    mut watch: impl FnMut(Step),
) -> Result<Vec<Reconciled>, ReconcileError> {
    let road = Road::open(client, scope.since).await?;
    // The horizons before the stream: whatever lies below them is in the stream already, or missing.
    let mut outboxes = Vec::with_capacity(sources.len());
    for source in sources {
        let mut horizon = Horizon::take(&source.pool, compared).await?;
        if let Some(max_age) = road.max_age() {
            horizon.not_before(horizon.now - max_age + LEAVING);
        }
        if let Some(since) = scope.since {
            horizon.not_before(since);
        }
        outboxes.push((source, horizon));
    }
    let mut results: Vec<Reconciled> = sources
        .iter()
        .map(|source| Reconciled {
            service: source.service,
            found: 0,
            missing: 0,
            republished: 0,
        })
        .collect();
    let mut slice = Slice::first(scope.slice);
    loop {
        road.read(&mut slice, &mut watch).await?;
        slice.close();
        for ((source, horizon), result) in outboxes.iter().zip(&mut results) {
            let mut rows = Rows::within(source, horizon, &slice);
            let mut late = Oldest::default();
            while let Some(page) = rows.next_page().await? {
                let missing: Vec<_> = page.iter().copied().filter(|id| !slice.holds(*id)).collect();
                result.found += (page.len() - missing.len()) as u64;
                result.missing += missing.len() as u64;
                if !scope.dry_run && !missing.is_empty() {
                    let (events, unreadable) = rows.whole(&missing).await?;
                    if unreadable > 0 {
                        tracing::error!(
                            service = source.service,
                            events = unreadable,
                            "a newer version wrote events that the stream misses and this one cannot publish"
                        );
                    }
                    events.iter().for_each(|row| late.published(row, horizon.now));
                    result.republished += road.publish(source.service, events).await?;
                    late.note(&source.pool).await?;
                }
                watch(Step::Comparing(source.service, result.found + result.missing));
            }
        }
        match slice.next() {
            Some(next) => slice = next,
            None => return Ok(results),
        }
    }
}
