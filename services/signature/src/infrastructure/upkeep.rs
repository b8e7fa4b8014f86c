//! Removing what is old: unclaimed reports, commands that nobody repeats any more, orders cancelled long ago.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use puente_service::upkeep::{PORTION, forget, portions};
use puente_telemetry::metric;
use puente_types::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::infrastructure::store::{cancelled, command, pending};

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
        // At the start as well: a service that is often started anew forgets too.
        portions(&shutdown, || self.portion()).await;
        forget(&shutdown, || self.portion()).await;
    }

    async fn portion(&self) -> Result<u64, sqlx::Error> {
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let unclaimed = pending::purge(&mut connection, now - self.reports, PORTION).await?;
        given_up(&unclaimed);
        let commands = command::purge(&mut connection, now - COMMANDS, PORTION).await?;
        let orders = cancelled::purge(&mut connection, now - CANCELLED, PORTION).await?;
        Ok(unclaimed.values().sum::<u64>().max(commands).max(orders))
    }
}

/// Somebody has to know: an envelope that nobody claims was sent by others through the same account, or is lost to us.
fn given_up(reports: &BTreeMap<String, u64>) {
    for (connection, count) in reports {
        metric::events_consumed("signature", "unclaimed_report", *count, Duration::ZERO);
        tracing::error!(
            connection,
            count,
            "{count} reports of connection `{connection}` on envelopes that are no request's were given up"
        );
    }
}
