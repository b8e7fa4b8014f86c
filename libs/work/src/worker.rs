//! Looks for work, and works what it takes up.

use std::fmt;
use std::sync::Arc;

use puente_types::Clock;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::beat::Beat;
use crate::{Done, Failure, Hold, Job, Limits};

/// Takes up the rows of one job.
pub struct Worker<J> {
    job: Arc<J>,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    limits: Limits,
}

impl<J: Job> Worker<J> {
    /// One that looks whenever `wake` notifies all that wait, and at every tick.
    #[must_use]
    pub fn new(job: J, clock: Arc<dyn Clock>, wake: Arc<Notify>, limits: Limits) -> Self {
        Self {
            job: Arc::new(job),
            clock,
            wake,
            limits,
        }
    }

    /// Works until `shutdown`, and finishes the pieces that were begun.
    pub async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let tasks = TaskTracker::new();
        let free = Arc::new(Semaphore::new(worker.limits.parallel));
        while !shutdown.is_cancelled() {
            // Listened for before looking, so that nothing that comes meanwhile is missed.
            let woken = worker.wake.notified();
            let looked = tokio::select! {
                () = shutdown.cancelled() => break,
                looked = worker.look(&tasks, &free, &shutdown) => looked,
            };
            match looked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(error = %error, "work cannot be looked for yet"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(worker.limits.tick) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Takes up one row, when there is room for it. `true` when there may be more.
    async fn look(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        free: &Arc<Semaphore>,
        shutdown: &CancellationToken,
    ) -> Result<bool, sqlx::Error> {
        let Ok(permit) = Arc::clone(free).acquire_owned().await else {
            return Ok(false);
        };
        let now = self.clock.now();
        let hold = Hold {
            by: Uuid::now_v7(),
            until: now + self.limits.lease,
        };
        let Some(row) = self.job.take(hold, now).await? else {
            return Ok(false);
        };
        let (worker, shutdown) = (Arc::clone(self), shutdown.clone());
        tasks.spawn(async move {
            let span = worker.job.span(&row);
            let beat = Beat::new(&*worker.job, &row, &*worker.clock, worker.limits.lease, hold);
            worker.parts(beat, &shutdown).instrument(span).await;
            drop(permit);
        });
        Ok(true)
    }

    /// Works part after part, until there is nothing more to do, the service stops, or the hold is lost.
    async fn parts(&self, mut beat: Beat<'_, J>, shutdown: &CancellationToken) {
        loop {
            let done = tokio::select! {
                // What is done is done, also when the hold is lost at the same moment.
                biased;
                done = tokio::time::timeout(self.limits.longest, self.job.work(beat.row())) => done,
                () = beat.keep() => {
                    tracing::warn!("the hold on a row was lost, and its work dropped");
                    return;
                }
            };
            let why = match done {
                Ok(Ok(Done::Part)) if !shutdown.is_cancelled() => continue,
                Ok(Ok(_)) => return beat.end().await,
                Ok(Err(trouble)) => Failure::Trouble(trouble),
                Err(_) => Failure::TooLong,
            };
            return match self.job.failed(beat.row(), why).await {
                Ok(()) => beat.end().await,
                Err(error) => tracing::debug!(error = %error, "a row stays held until its time is over"),
            };
        }
    }
}

impl<J> fmt::Debug for Worker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
