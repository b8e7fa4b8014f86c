//! Workers that take up requests whose step has come: making the contract, storing what was signed.
//!
//! A request that is taken up is held by its time, not by a transaction: whoever dies leaves it to others when the time is
//! over, and what was half done is met again under the same keys.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_outbox::{ApplyError, Outbox, OutboxError, Tx};
use puente_ports::{ErrorTag, ProviderError};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::domain::state::Step;
use crate::infrastructure::desk::{Desk, pause};
use crate::infrastructure::store::claim::{self, Claimed};
use crate::infrastructure::store::row::{self, Row};

/// The pause after a first failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// What never works like this waits for a person; so far away that no worker takes it up.
const FOR_A_PERSON: Duration = Duration::from_hours(24 * 365 * 100);

/// Why a piece of work did not get done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A file, a document or a provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
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

/// One kind of work.
#[async_trait]
pub(crate) trait Job: Send + Sync + 'static {
    /// The step whose requests it takes up.
    const STEP: Step;
    /// Its name in traces.
    const NAME: &'static str;

    /// Does it for one request, and writes the next step. The request may have gone another way meanwhile.
    async fn work(&self, row: Row) -> Result<(), Trouble>;
}

/// Takes up requests of one step.
pub(crate) struct Worker<J> {
    pub(crate) job: Arc<J>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    /// Requests worked on at the same time in this replica.
    pub(crate) parallel: usize,
    /// How long a request is held.
    pub(crate) lease: Duration,
    /// How often it is looked for work.
    pub(crate) tick: Duration,
}

impl<J: Job> Worker<J> {
    /// Works until `shutdown`, and finishes what was begun.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let tasks = TaskTracker::new();
        let free = Arc::new(Semaphore::new(worker.parallel));
        while !shutdown.is_cancelled() {
            // Listened for before looking, so that nothing that comes meanwhile is missed.
            let woken = worker.desk.work.notified();
            match worker.round(&tasks, &free).await {
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

    /// Takes up as many requests as there is room for. `true` when there may be more.
    async fn round(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        free: &Arc<Semaphore>,
    ) -> Result<bool, sqlx::Error> {
        let Ok(permit) = Arc::clone(free).acquire_owned().await else {
            return Ok(false);
        };
        let now = self.desk.clock.now();
        let mut database = self.outbox.pool().acquire().await?;
        let claimed = claim::due(&mut database, J::STEP, now, now + self.lease, 1).await?;
        drop(database);
        let Some(claimed) = claimed.into_iter().next() else {
            return Ok(false);
        };
        let worker = Arc::clone(self);
        tasks.spawn(async move {
            worker.one(claimed).await;
            drop(permit);
        });
        Ok(true)
    }

    async fn one(&self, claimed: Claimed) {
        let span = tracing::info_span!(
            "signature.work",
            otel.kind = "internal",
            otel.name = J::NAME,
            signature.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        async {
            let done = tokio::time::timeout(self.lease, self.attempt(&claimed)).await;
            let error = match done {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                // Somebody else has it now, or soon.
                Err(_) => return tracing::warn!("the work on request {} took too long", claimed.id),
            };
            tracing::warn!(signature.id = %claimed.id, error = %error, "request {} is worked on again later", claimed.id);
            if let Trouble::Provider(error) = error
                && let Err(error) = self.failed(&claimed, &error).await
            {
                tracing::debug!(error = %error, "a problem is shown later");
            }
        }
        .instrument(span)
        .await;
    }

    async fn attempt(&self, claimed: &Claimed) -> Result<(), Trouble> {
        let mut database = self.outbox.pool().acquire().await?;
        let found = row::read(&mut database, &claimed.tenant, claimed.id).await?;
        drop(database);
        match found.filter(|row| row.signature.step == J::STEP) {
            Some(row) => self.job.work(row).await,
            None => Ok(()),
        }
    }

    /// Shows the problem, and says when it is tried again.
    async fn failed(&self, claimed: &Claimed, error: &ProviderError) -> Result<(), Trouble> {
        let (mut tx, found) = locked(&self.outbox, claimed, J::STEP).await?;
        let Some(mut row) = found else { return Ok(()) };
        let now = self.desk.clock.now();
        row.due_at = self.later(&row, error, now);
        self.desk.trouble(&mut row, error);
        row::save(&mut tx, &mut row, &claimed.id.to_string(), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was signed is fetched until it is stored, whatever the reason why it cannot be now. A contract that cannot be
    /// made waits for a person.
    fn later(&self, row: &Row, error: &ProviderError, now: OffsetDateTime) -> OffsetDateTime {
        let hopeless = error.tag() == ErrorTag::Permanent && J::STEP == Step::Preparing;
        now + if hopeless {
            FOR_A_PERSON
        } else {
            pause(row.tries, FIRST_PAUSE, LONGEST_PAUSE)
        }
    }
}

/// A request under its lock, if it is still at that step.
pub(crate) async fn locked(
    outbox: &Outbox,
    claimed: &Claimed,
    step: Step,
) -> Result<(Tx, Option<Row>), Trouble> {
    let mut tx = outbox.begin().await?;
    let found = row::lock(&mut tx, &claimed.tenant, claimed.id).await?;
    Ok((tx, found.filter(|row| row.signature.step == step)))
}

impl Claimed {
    /// The request that is worked on.
    pub(crate) fn of(row: &Row) -> Self {
        Self {
            id: row.id,
            tenant: row.tenant.clone(),
            traceparent: row.traceparent.clone(),
        }
    }
}
