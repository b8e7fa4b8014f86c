//! Removing what is old: unclaimed reports, commands that nobody repeats any more, orders cancelled long ago; in small
//! portions.

use std::sync::Arc;
use std::time::Duration;

use puente_types::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::infrastructure::store::{cancelled, command, pending};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// Rows of one transaction.
const PORTION: i64 = 1_000;
/// How long a command is known again.
const COMMANDS: Duration = Duration::from_hours(24 * 30);
/// How long a request may come after its order was cancelled: longer than any event is kept.
const CANCELLED: Duration = Duration::from_hours(24 * 400);

/// What is kept, and for how long.
pub(crate) struct Upkeep {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reports: Duration,
}

impl Upkeep {
    /// Works until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        loop {
            if tokio::time::timeout(EVERY, shutdown.cancelled()).await.is_ok() {
                return;
            }
            if let Err(error) = self.round(&shutdown).await {
                tracing::debug!(error = %error, "old rows are removed later");
            }
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        loop {
            let mut connection = self.pool.acquire().await?;
            let reports = pending::purge(&mut connection, now - self.reports, PORTION).await?;
            let commands = command::purge(&mut connection, now - COMMANDS, PORTION).await?;
            let orders = cancelled::purge(&mut connection, now - CANCELLED, PORTION).await?;
            let full = u64::try_from(PORTION).unwrap_or(u64::MAX);
            if shutdown.is_cancelled() || [reports, commands, orders].iter().all(|gone| *gone < full) {
                return Ok(());
            }
        }
    }
}
