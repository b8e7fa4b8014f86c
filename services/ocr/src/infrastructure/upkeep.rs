//! Giving up what nobody goes on with, and removing what is old, in small portions.

use std::sync::Arc;
use std::time::Duration;

use puente_outbox::Outbox;
use puente_service::upkeep::{PORTION, portions};
use puente_work::Claimed;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::domain::say::Say;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::claim;
use crate::infrastructure::store::row::{self, Change};
use crate::infrastructure::store::{attempt, budget, cache, command};
use crate::infrastructure::work::Trouble;

/// How often it is looked for captures to give up.
const EVERY: Duration = Duration::from_secs(10);
/// How many of those looks pass before old rows are removed.
const ROUNDS: u32 = 60;
/// Readings that are known at most, over all tenants.
const MOST_READINGS: i64 = 100_000;
/// How long a command is known again.
const COMMANDS: Duration = Duration::from_hours(24 * 30);
/// How long counted calls are kept: longer than any month.
const COUNTS: Duration = Duration::from_hours(24 * 100);

/// What is kept, and for how long.
pub(crate) struct Upkeep {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) abandon: Duration,
    pub(crate) cached: Duration,
}

impl Upkeep {
    /// Works until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut rounds = 0_u32;
        loop {
            if tokio::time::timeout(EVERY, shutdown.cancelled()).await.is_ok() {
                return;
            }
            if let Err(error) = self.quiet(&shutdown).await {
                tracing::debug!(error = %error, "captures are given up later");
            }
            rounds += 1;
            if rounds.is_multiple_of(ROUNDS) {
                portions(&shutdown, || self.old()).await;
            }
        }
    }

    async fn quiet(&self, shutdown: &CancellationToken) -> Result<(), Trouble> {
        let before = self.desk.clock.now() - self.abandon;
        let mut database = self.outbox.pool().acquire().await?;
        let quiet = claim::quiet(&mut database, before, PORTION).await?;
        drop(database);
        for claimed in quiet {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            let span =
                tracing::info_span!("capture.abandon", capture.id = %claimed.id, tenant.id = %claimed.tenant);
            puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
            self.give_up(&claimed, before).instrument(span).await?;
        }
        Ok(())
    }

    /// Gives one up, and tells the person. A photograph that is being read is read to its end first.
    async fn give_up(&self, claimed: &Claimed, before: OffsetDateTime) -> Result<(), Trouble> {
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, &claimed.tenant, claimed.id).await? else {
            return Ok(());
        };
        let busy = attempt::under_way(&mut tx, &claimed.tenant, claimed.id)
            .await?
            .is_some();
        let quiet = claim::untouched(&mut tx, claimed, before).await?;
        if row.capture.state.is_end() || busy || !quiet {
            return Ok(());
        }
        let now = self.desk.clock.now();
        // Of turns that wait for a missing one nobody was told anything yet.
        let began = row.capture.version > 0;
        row.capture.abandon(now);
        let cause = claimed.id.to_string();
        self.desk
            .say(&mut tx, &row, began.then_some(Say::Abandoned), &cause);
        let change = Change {
            cause: &cause,
            now,
            touched: true,
            wake: false,
        };
        row::save(&mut tx, &mut row, change).await?;
        tx.commit().await?;
        self.desk.told();
        Ok(())
    }

    async fn old(&self) -> Result<u64, sqlx::Error> {
        let now = self.desk.clock.now();
        let mut database = self.outbox.pool().acquire().await?;
        let commands = command::purge(&mut database, now - COMMANDS, PORTION).await?;
        let readings = cache::purge(&mut database, now - self.cached, MOST_READINGS, PORTION).await?;
        let counts = budget::purge(&mut database, now - COUNTS, PORTION).await?;
        Ok(commands.max(readings).max(counts))
    }
}
