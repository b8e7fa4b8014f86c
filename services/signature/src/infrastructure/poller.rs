//! Asking for envelopes that nobody reports on: a call-back that was lost is made good.
//!
//! An envelope is asked for once per interval, whatever the number of replicas: who asks has written so before. The
//! interval is never shorter than the one that the vendor allows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use puente_http::Http;
use puente_outbox::Outbox;
use puente_ports::{CallCtx, Connection, EnvelopeReport, ProviderError, SignatureProvider};
use puente_types::TenantId;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::infrastructure::access::{Access, over, renewed};
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::claim::{self, Claimed};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::wire;
use crate::infrastructure::work::Trouble;

/// Envelopes asked for one after the other before the next look; a provider's quota is shared with sending.
const PORTION: i64 = 20;

/// Asks for envelopes.
pub(crate) struct Poller {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) http: Http,
    /// A call's longest time, by the provider's slug.
    pub(crate) timeout: Arc<dyn Fn(&str) -> Duration + Send + Sync>,
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
        let answer = self.status(&row).await?;
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

    async fn status(&self, row: &Row) -> Result<EnvelopeReport, ProviderError> {
        let envelope_id = row
            .signature
            .envelope_id
            .as_deref()
            .ok_or_else(|| ProviderError::malformed("the request has no envelope"))?;
        let adapter = self.desk.chooser.adapter(&row.provider)?;
        let base = self
            .desk
            .chooser
            .known(&row.tenant, &row.connection)
            .ok_or_else(|| ProviderError::configuration("connection_missing", "no such connection"))?;
        let ready = self.access.ready(&base).await?;
        let first = self.call(adapter, &base, &ready, envelope_id).await;
        match renewed(&*self.access, &base, &ready, &first).await? {
            None => first,
            Some(ready) => self.call(adapter, &base, &ready, envelope_id).await,
        }
    }

    async fn call(
        &self,
        adapter: &dyn SignatureProvider,
        base: &Connection,
        ready: &Connection,
        envelope_id: &str,
    ) -> Result<EnvelopeReport, ProviderError> {
        let traceparent = puente_telemetry::current_traceparent();
        let ctx = CallCtx {
            connection: base,
            http: &self.http,
            idempotency_key: "",
            deadline: (self.timeout)(&base.provider),
            traceparent: traceparent.as_deref(),
        };
        adapter.status(over(ctx, ready), envelope_id).await
    }
}
