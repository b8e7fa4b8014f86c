//! Removing what is old: unclaimed receipts and messages past retention.

use std::sync::Arc;
use std::time::Duration;

use puente_service::upkeep::{PORTION, forget};
use puente_types::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::infrastructure::store::{message, receipt};

/// What is kept, and for how long.
pub(crate) struct Upkeep {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) receipts: Duration,
    pub(crate) messages: Duration,
}

impl Upkeep {
    /// Works until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        forget(&shutdown, || self.portion()).await;
    }

    async fn portion(&self) -> Result<u64, sqlx::Error> {
        let now = self.clock.now();
        let mut connection = self.pool.acquire().await?;
        let receipts = receipt::purge(&mut connection, now - self.receipts, PORTION).await?;
        let messages = message::purge(&mut connection, now - self.messages, PORTION).await?;
        Ok(receipts.max(messages))
    }
}
