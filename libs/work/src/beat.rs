//! A hold, renewed while work lasts.

use std::time::Duration;

use puente_types::Clock;
use tokio::time::Instant;

use crate::{Hold, Job};

/// Renewals within the length of a hold: one may fail, and the next one comes in time.
const RENEWALS: u32 = 3;

/// Keeps one row's hold.
pub(crate) struct Beat<'a, J: Job> {
    job: &'a J,
    row: &'a J::Row,
    clock: &'a dyn Clock,
    lease: Duration,
    hold: Hold,
    /// When it is renewed next.
    next: Instant,
}

impl<'a, J: Job> Beat<'a, J> {
    /// Of a hold that was just given.
    pub(crate) fn new(
        job: &'a J,
        row: &'a J::Row,
        clock: &'a dyn Clock,
        lease: Duration,
        hold: Hold,
    ) -> Self {
        Self {
            job,
            row,
            clock,
            lease,
            hold,
            next: Instant::now() + lease / RENEWALS,
        }
    }

    /// The row that is held.
    pub(crate) const fn row(&self) -> &'a J::Row {
        self.row
    }

    /// Renews the hold until it is lost.
    pub(crate) async fn keep(&mut self) {
        loop {
            tokio::time::sleep_until(self.next).await;
            self.next = Instant::now() + self.lease / RENEWALS;
            let longer = Hold {
                until: self.clock.now() + self.lease,
                ..self.hold
            };
            // A row that the work itself has locked is renewed when its transaction ends; until then nobody takes it.
            match tokio::time::timeout(self.lease, self.job.hold(self.row, longer)).await {
                Ok(Ok(true)) => self.hold = longer,
                Ok(Ok(false)) => return,
                Ok(Err(error)) => tracing::debug!(error = %error, "a hold is renewed later"),
                Err(_) => tracing::debug!("a hold was not renewed in time"),
            }
            if self.clock.now() >= self.hold.until {
                return;
            }
        }
    }

    /// Ends it.
    pub(crate) async fn end(self) {
        if let Err(error) = self.job.release(self.row, self.hold.by).await {
            tracing::debug!(error = %error, "a hold runs out by itself");
        }
    }
}
