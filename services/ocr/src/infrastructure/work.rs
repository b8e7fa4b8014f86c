//! The worker: takes up captures that have something to be done, several at the same time, and works each step by step.
//!
//! A capture that is taken up is held while it is worked on ([`puente_work`]): whoever dies leaves it to others when the hold
//! ends. Every step is one transaction under the capture's row lock, which looks again at what is to be done: two that work on
//! the same one, because a hold was lost, do it once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_outbox::{ApplyError, Outbox, OutboxError};
use puente_ports::ProviderError;
use puente_work::{Claimed, Done, Failure, Hold, Job, Limits, Worker, pause};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use time::OffsetDateTime;
use tracing::Span;
use uuid::Uuid;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::steps::Steps;
use crate::infrastructure::store::claim;

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

/// The captures that have something to be done.
pub(crate) struct Captures {
    pub(crate) steps: Arc<Steps>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
}

impl Captures {
    /// What takes them up.
    pub(crate) fn worker(self, limits: Limits) -> Worker<Self> {
        let (clock, wake) = (self.desk.clock.clone(), self.desk.work.clone());
        Worker::new(self, clock, wake, limits)
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.outbox.pool().acquire().await
    }
}

#[async_trait]
impl Job for Captures {
    type Row = Claimed;
    type Trouble = Trouble;

    async fn take(&self, hold: Hold, now: OffsetDateTime) -> Result<Option<Claimed>, sqlx::Error> {
        claim::due(&mut *self.connection().await?, hold, now).await
    }

    async fn hold(&self, claimed: &Claimed, hold: Hold) -> Result<bool, sqlx::Error> {
        claim::hold(&mut *self.connection().await?, claimed, hold).await
    }

    async fn release(&self, claimed: &Claimed, by: Uuid) -> Result<(), sqlx::Error> {
        claim::release(&mut *self.connection().await?, claimed, by).await
    }

    /// Does the next step.
    async fn work(&self, claimed: &Claimed) -> Result<Done, Trouble> {
        let done = self.steps.next(claimed).await?;
        if done == Done::Part {
            self.desk.told();
        }
        Ok(done)
    }

    async fn failed(&self, claimed: &Claimed, why: Failure<Trouble>) -> Result<(), sqlx::Error> {
        match why {
            Failure::Trouble(problem) => {
                tracing::info!(capture.id = %claimed.id, error = %problem, "capture {} is worked on again later", claimed.id);
            }
            Failure::TooLong => {
                tracing::warn!(capture.id = %claimed.id, "the work on capture {} took too long", claimed.id);
            }
        }
        let mut tx = self.outbox.pool().begin().await?;
        let tries = claim::tries(&mut tx, claimed).await?;
        let due = self.desk.clock.now() + pause(tries, FIRST_PAUSE, LONGEST_PAUSE);
        claim::later(&mut tx, claimed, due).await?;
        tx.commit().await
    }

    fn span(&self, claimed: &Claimed) -> Span {
        let span = tracing::info_span!(
            "capture.work",
            otel.kind = "internal",
            capture.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        span
    }
}
