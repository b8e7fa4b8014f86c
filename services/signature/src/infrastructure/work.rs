//! Workers that take up requests whose step has come: making the contract, storing what was signed.
//!
//! A request that is taken up is held while it is worked on ([`puente_work`]): whoever dies leaves it to others when the hold
//! ends, and what was half done is met again under the same keys.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_outbox::{ApplyError, Outbox, OutboxError, Tx};
use puente_ports::{ErrorTag, ProviderError, ProviderErrorKind};
use puente_work::{Claimed, Done, Failure, Hold, Limits, Worker, pause};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use time::OffsetDateTime;
use tracing::Span;
use uuid::Uuid;

use crate::domain::state::Step;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::claim;
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

/// The requests of one step.
pub(crate) struct Requests<J> {
    pub(crate) job: J,
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
}

impl<J: Job> Requests<J> {
    /// What takes them up.
    pub(crate) fn worker(self, limits: Limits) -> Worker<Self> {
        let (clock, wake) = (self.desk.clock.clone(), self.desk.work.clone());
        Worker::new(self, clock, wake, limits)
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.outbox.pool().acquire().await
    }

    async fn attempt(&self, claimed: &Claimed) -> Result<(), Trouble> {
        let mut database = self.connection().await?;
        let found = row::read(&mut database, &claimed.tenant, claimed.id).await?;
        drop(database);
        match found.filter(|row| row.signature.step == J::STEP) {
            Some(row) => self.job.work(row).await,
            None => Ok(()),
        }
    }

    /// Shows the problem, and says when it is tried again.
    async fn show(&self, claimed: &Claimed, error: &ProviderError) -> Result<(), Trouble> {
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

#[async_trait]
impl<J: Job> puente_work::Job for Requests<J> {
    type Row = Claimed;
    type Trouble = Trouble;

    async fn take(&self, hold: Hold, now: OffsetDateTime) -> Result<Option<Claimed>, sqlx::Error> {
        claim::due(&mut *self.connection().await?, J::STEP, hold, now).await
    }

    async fn hold(&self, claimed: &Claimed, hold: Hold) -> Result<bool, sqlx::Error> {
        claim::hold(&mut *self.connection().await?, claimed, hold).await
    }

    async fn release(&self, claimed: &Claimed, by: Uuid) -> Result<(), sqlx::Error> {
        claim::release(&mut *self.connection().await?, claimed, by).await
    }

    async fn work(&self, claimed: &Claimed) -> Result<Done, Trouble> {
        self.attempt(claimed).await.map(|()| Done::All)
    }

    async fn failed(&self, claimed: &Claimed, why: Failure<Trouble>) -> Result<(), sqlx::Error> {
        let trouble = match why {
            Failure::Trouble(trouble) => trouble,
            Failure::TooLong => too_long().into(),
        };
        tracing::warn!(signature.id = %claimed.id, error = %trouble, "request {} is worked on again later", claimed.id);
        if let Trouble::Provider(error) = &trouble {
            match self.show(claimed, error).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::debug!(error = %error, "a problem is shown later"),
            }
        }
        let due = self.desk.clock.now() + pause(claimed.tries, FIRST_PAUSE, LONGEST_PAUSE);
        claim::later(&mut *self.connection().await?, claimed, J::STEP, due).await
    }

    fn span(&self, claimed: &Claimed) -> Span {
        let span = tracing::info_span!(
            "signature.work",
            otel.kind = "internal",
            otel.name = J::NAME,
            signature.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        span
    }
}

/// Whatever it was that did not come to its end.
fn too_long() -> ProviderError {
    let kind = ProviderErrorKind::Unavailable { retry_after: None };
    ProviderError::new(kind, "work_too_long", "the work took longer than it may")
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

impl Row {
    /// The request that is worked on.
    pub(crate) fn claimed(&self) -> Claimed {
        Claimed {
            id: self.id,
            tenant: self.tenant.clone(),
            traceparent: self.traceparent.clone(),
            tries: self.tries,
        }
    }
}
