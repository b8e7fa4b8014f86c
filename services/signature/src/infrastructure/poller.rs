//! Asking for envelopes that nobody reports on: a call-back that was lost is made good.
//!
//! An envelope is asked for once per interval, whatever the number of replicas: who asks has written so before. The
//! interval is never shorter than the one that the vendor allows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use puente_outbox::Outbox;
use puente_types::TenantId;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::infrastructure::calls::Calls;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::claim::{self, Claimed};
use crate::infrastructure::store::row;
use crate::infrastructure::wire;
use crate::infrastructure::work::Trouble;

/// Envelopes asked for one after the other before the next look; a provider's quota is shared with sending.
const PORTION: i64 = 20;

/// Asks for envelopes.
pub(crate) struct Poller {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) calls: Calls,
    /// How long an envelope may be quiet.
    pub(crate) patience: Duration,
    /// How often it is looked for quiet ones.
    pub(crate) tick: Duration,
}

impl Poller {
    /// Asks until `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.round(&shutdown).await {
                tracing::debug!(error = %error, "quiet envelopes are looked for later");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.tick) => {}
            }
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<(), sqlx::Error> {
        let all = self.desk.chooser.connections.all();
        let providers: BTreeSet<&str> = all
            .iter()
            .map(|connection| connection.provider.as_str())
            .collect();
        for provider in providers {
            let Ok(adapter) = self.desk.chooser.adapter(provider) else {
                continue;
            };
            let now = self.desk.clock.now();
            let allowed = adapter.poll_interval();
            let mut database = self.outbox.pool().acquire().await?;
            let quiet = claim::quiet(
                &mut database,
                provider,
                now - self.patience.max(allowed),
                now - allowed,
                now,
                PORTION,
            )
            .await?;
            drop(database);
            for claimed in quiet {
                if shutdown.is_cancelled() {
                    return Ok(());
                }
                self.one(&claimed).await;
            }
        }
        Ok(())
    }

    async fn one(&self, claimed: &Claimed) {
        let span = tracing::info_span!(
            "signature.poll",
            otel.kind = "internal",
            signature.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        async {
            if let Err(error) = self.ask(&claimed.tenant, claimed.id).await {
                tracing::warn!(
                    signature.id = %claimed.id,
                    error = %error,
                    "the envelope of request {} is asked for later", claimed.id
                );
            }
        }
        .instrument(span)
        .await;
    }

    /// Asks for a request's envelope, and takes in the answer. The caller has claimed it.
    pub(crate) async fn ask(&self, tenant: &TenantId, id: Uuid) -> Result<(), Trouble> {
        let mut database = self.outbox.pool().acquire().await?;
        let found = row::read(&mut database, tenant, id).await?;
        drop(database);
        let Some(row) = found else { return Ok(()) };
        let answer = self
            .calls
            .ask(&row, |adapter, ctx, envelope_id| adapter.status(ctx, envelope_id));
        let answer = answer.await?;
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, tenant, id).await? else {
            return Ok(());
        };
        let now = self.desk.clock.now();
        self.desk.hear(&mut tx, &mut row, &wire::answered(&answer, now));
        row::save(&mut tx, &mut row, &id.to_string(), now).await?;
        tx.commit().await?;
        self.desk.wake();
        Ok(())
    }
}
