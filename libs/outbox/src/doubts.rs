//! Doubtful commits, looked at whatever the relay has to do.
//!
//! The relay itself does so when its memory is empty. With more to publish than it can, that may be never; here it is about
//! every second. What a doubtful commit wrote is then read back like anything that memory had no room for.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Outbox, drain};

/// How often doubts are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Clears doubts until `shutdown`.
pub(crate) async fn clear(outbox: &Outbox, shutdown: CancellationToken) {
    while tokio::time::timeout(EVERY, shutdown.cancelled()).await.is_err() {
        if let Err(error) = look(outbox).await {
            tracing::warn!(service = outbox.inner.service, error = %error, "doubtful commits cannot be looked at yet");
        }
    }
}

/// Waits until nobody writes any more who may have been in doubt, if anybody was.
pub(crate) async fn look(outbox: &Outbox) -> Result<(), sqlx::Error> {
    let tracker = &outbox.inner.tracker;
    let doubts = tracker.doubts();
    if !doubts.is_empty() {
        drain::wait_for_writers(outbox).await?;
        tracker.clear_doubts(&doubts);
    }
    Ok(())
}
