//! Calls that were cut off: what they may still be making is waited for, so that no request has two envelopes.
//!
//! A provider that does not know an envelope right after a call was cut off may know it a moment later. So the time of each
//! call is written down before it, and another call is made only when the former one is over for sure. A look-up does not
//! count as a call.

use std::time::Duration;

use puente_ports::{ProviderError, ProviderErrorKind};

use crate::infrastructure::executor::Caller;
use crate::infrastructure::store::row::{self, Row};

/// A call was cut off, and what it may have made is not there (yet).
const SOUGHT: &str = "envelope_sought";

impl Caller {
    /// Whether a call that was cut off before can no longer make an envelope. Until then that none is found says nothing.
    pub(super) fn over(&self, row: &Row) -> Result<(), ProviderError> {
        let waits = row
            .posted_at
            .map(|posted| posted + self.doubt - self.desk.clock.now());
        match waits.and_then(|waits| Duration::try_from(waits).ok()) {
            None | Some(Duration::ZERO) => Ok(()),
            waits => Err(ProviderError::new(
                ProviderErrorKind::Unavailable { retry_after: waits },
                SOUGHT,
                "the answer to the sending was lost; its envelope is looked for before another one is sent",
            )),
        }
    }

    pub(super) async fn posting(&self, row: &Row) -> Result<(), ProviderError> {
        let written = async {
            let mut database = self.outbox.pool().acquire().await?;
            row::posting(&mut database, row, self.desk.clock.now()).await
        };
        written.await.map_err(|_| no_database())
    }

    /// What cannot be written now costs a wait, and no more.
    pub(super) async fn not_posted(&self, row: &Row) {
        let written = async {
            let mut database = self.outbox.pool().acquire().await?;
            row::not_posted(&mut database, row).await
        };
        if let Err(error) = written.await {
            tracing::debug!(error = %error, "a call that made nothing counts as one that may have");
        }
    }
}

pub(super) fn no_database() -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Unavailable { retry_after: None },
        "database",
        "the database did not answer before the call",
    )
}
