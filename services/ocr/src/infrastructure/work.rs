//! The worker: takes up captures that have something to be done, several at the same time, and works each step by step.
//!
//! A capture that is taken up is held by its time, not by a transaction: whoever dies leaves it to others when the time is
//! over. Every step is one transaction under the capture's row lock, which looks again at what is to be done: two that work
//! on the same one, because a hold ran out, do it once.

use std::sync::Arc;
use std::time::Duration;

use puente_outbox::{ApplyError, Outbox, OutboxError};
use puente_ports::ProviderError;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::steps::{Done, Steps};
use crate::infrastructure::store::claim::{self, Claimed};

/// The pause after a first failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a step did not get done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Something that passes by itself: a file, or engines.
    #[error(transparent)]
    Passing(#[from] ProviderError),
    /// The database.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A row that cannot be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Takes up captures.
pub(crate) struct Worker {
    pub(crate) steps: Arc<Steps>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    /// Captures worked on at the same time in this replica.
    pub(crate) parallel: usize,
    /// How long a capture is held.
    pub(crate) lease: Duration,
    /// How often it is looked for work.
    pub(crate) tick: Duration,
}

impl Worker {
    /// Works until `shutdown`, and finishes the steps that were begun.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let tasks = TaskTracker::new();
        let free = Arc::new(Semaphore::new(worker.parallel));
        while !shutdown.is_cancelled() {
            // Listened for before looking, so that nothing that comes meanwhile is missed.
            let woken = worker.desk.work.notified();
            let looked = tokio::select! {
                () = shutdown.cancelled() => break,
                looked = worker.round(&tasks, &free, &shutdown) => looked,
            };
            match looked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(error = %error, "work cannot be looked for yet"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(worker.tick) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Takes up one capture, when there is room for it. `true` when there may be more.
    async fn round(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        free: &Arc<Semaphore>,
        shutdown: &CancellationToken,
    ) -> Result<bool, sqlx::Error> {
        let Ok(permit) = Arc::clone(free).acquire_owned().await else {
            return Ok(false);
        };
        let now = self.desk.clock.now();
        let mut database = self.outbox.pool().acquire().await?;
        let claimed = claim::due(&mut database, now, now + self.lease).await?;
        drop(database);
        let Some(claimed) = claimed else { return Ok(false) };
        let (worker, shutdown) = (Arc::clone(self), shutdown.clone());
        tasks.spawn(async move {
            worker.one(claimed, &shutdown).await;
            drop(permit);
        });
        Ok(true)
    }

    async fn one(&self, claimed: Claimed, shutdown: &CancellationToken) {
        let span = tracing::info_span!(
            "capture.work",
            otel.kind = "internal",
            capture.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        self.steps_of(&claimed, shutdown).instrument(span).await;
    }

    /// Works until there is nothing more to do for it.
    async fn steps_of(&self, claimed: &Claimed, shutdown: &CancellationToken) {
        loop {
            let done = tokio::time::timeout(self.lease, self.steps.next(claimed)).await;
            let problem = match done {
                Ok(Ok(Done::Idle)) => return,
                Ok(Ok(Done::Step)) => {
                    self.desk.told();
                    match self.again(claimed, shutdown).await {
                        Ok(true) => continue,
                        Ok(false) => return,
                        Err(error) => Trouble::from(error),
                    }
                }
                Ok(Err(problem)) => problem,
                // Somebody else has it now, or soon.
                Err(_) => return tracing::warn!("the work on capture {} took too long", claimed.id),
            };
            tracing::info!(capture.id = %claimed.id, error = %problem, "capture {} is worked on again later", claimed.id);
            if let Err(error) = self.later(claimed).await {
                tracing::debug!(error = %error, "a capture stays held until its time is over");
            }
            return;
        }
    }

    /// Holds it on for the next step; not when the service stops.
    async fn again(&self, claimed: &Claimed, shutdown: &CancellationToken) -> Result<bool, sqlx::Error> {
        let mut database = self.outbox.pool().acquire().await?;
        let now = self.desk.clock.now();
        if shutdown.is_cancelled() {
            claim::release(&mut database, claimed, Some(now), 0).await?;
            return Ok(false);
        }
        claim::hold(&mut database, claimed, now + self.lease).await?;
        Ok(true)
    }

    async fn later(&self, claimed: &Claimed) -> Result<(), sqlx::Error> {
        let mut tx = self.outbox.pool().begin().await?;
        let tries = claim::tries(&mut tx, claimed).await?;
        let due = self.desk.clock.now() + pause(tries);
        claim::release(&mut tx, claimed, Some(due), tries).await?;
        tx.commit().await
    }
}

/// The pause before a step that failed `tries` times is done again: doubling, bounded.
fn pause(tries: i32) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}
