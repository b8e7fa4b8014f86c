//! Asks the tenants' ERPs for clients by their tax id, on behalf of conversations that wait, of checks that were put off,
//! and of people who look one up. `store::company` tells the protocol.
//!
//! The ERP is asked outside of any transaction, within a deadline, and what it says is kept; whoever dies meanwhile leaves
//! the row to the next. Asking twice changes nothing there.

use std::sync::Arc;
use std::time::Duration;

use puente_outbox::Outbox;
use puente_types::{Clock, Nit, TenantId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::application::look_up_client::Companies;
use crate::domain::error::StoreError;
use crate::infrastructure::skills::Library;
use crate::infrastructure::store::{Due, claim, keep, settle, wake};

/// How long a tax id is held by who asks for it: longer than any deadline of a call.
const LEASE: Duration = Duration::from_secs(60);
/// Other replicas' commits do not wake this one; so often it looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Orders of one transaction that are told what came of checking their client.
const PORTION: i64 = 100;

/// Asks ERPs.
#[derive(Clone)]
pub(crate) struct Lookups {
    pub(crate) outbox: Outbox,
    pub(crate) companies: Arc<dyn Companies>,
    pub(crate) skills: Arc<Library>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Wakes those who work conversations.
    pub(crate) conversations: Arc<Notify>,
    /// Wakes this one.
    pub(crate) asks: Arc<Notify>,
}

impl Lookups {
    /// Works until `shutdown`, and finishes what was begun.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let woken = self.asks.notified();
            tokio::pin!(woken);
            // Registered before the look, so that a commit between look and wait is not missed.
            woken.as_mut().enable();
            match self.round().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(error = %error, "tax ids cannot be looked up yet"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Asks for one tax id, and tells orders what is settled; `false` when there was nothing to do.
    async fn round(&self) -> Result<bool, StoreError> {
        let told = settle(&self.outbox, &self.skills, self.clock.now(), PORTION).await?;
        let now = self.clock.now();
        let mut connection = self.outbox.pool().acquire().await?;
        let due = claim(&mut connection, now, now + LEASE).await?;
        drop(connection);
        let Some(Due { tenant, nit }) = due else {
            return Ok(told > 0);
        };
        self.ask(&tenant, &nit).await?;
        Ok(true)
    }

    /// Asks the tenant's ERP now, keeps what it says, and lets go on who waits for it.
    ///
    /// # Errors
    /// When what was said could not be kept.
    pub(crate) async fn ask(&self, tenant: &TenantId, nit: &Nit) -> Result<(), StoreError> {
        let said = self.companies.look_up(tenant, nit).await;
        if let Err(error) = &said {
            tracing::debug!(tenant.id = %tenant, error = %error, "a tax id was not looked up");
        }
        let mut tx = self.outbox.begin().await?;
        keep(&mut tx, tenant, nit, &said, self.clock.now()).await?;
        tx.commit().await?;
        let mut connection = self.outbox.pool().acquire().await?;
        if wake(&mut connection, tenant, nit).await? > 0 {
            self.conversations.notify_waiters();
        }
        Ok(())
    }
}
