//! Storing what was signed: fetched from the provider, stored and recorded; only then is the request `Firmado`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use puente_blob::{Blobs, Stored};
use puente_documents::Documents;
use puente_http::Http;
use puente_outbox::Outbox;
use puente_ports::{CallCtx, Connection, EnvelopePart, ProviderError, SignatureProvider};

use crate::domain::state::Step;
use crate::infrastructure::access::{Access, over, renewed};
use crate::infrastructure::desk::Desk;
use crate::infrastructure::documents;
use crate::infrastructure::files::{self, MAX_BYTES, Part};
use crate::infrastructure::store::claim::Claimed;
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::work::{Job, Trouble, locked};

/// Fetches and stores what was signed.
pub(crate) struct Storer {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) http: Http,
    /// A call's longest time, by the provider's slug.
    pub(crate) timeout: Arc<dyn Fn(&str) -> Duration + Send + Sync>,
}

#[async_trait]
impl Job for Storer {
    const STEP: Step = Step::Storing;
    const NAME: &'static str = "signed.store";

    async fn work(&self, row: Row) -> Result<(), Trouble> {
        let signed = self.part(&row, Part::Signed, EnvelopePart::Signed).await?;
        let certificate = self
            .part(&row, Part::Certificate, EnvelopePart::Certificate)
            .await?;
        let (mut tx, found) = locked(&self.outbox, &Claimed::of(&row), Step::Storing).await?;
        let Some(mut row) = found else { return Ok(()) };
        let now = self.desk.clock.now();
        let id = documents::record(&self.documents, &mut tx, &row, Part::Signed, &signed).await?;
        documents::record(&self.documents, &mut tx, &row, Part::Certificate, &certificate).await?;
        row.signature.signed_stored(id, now);
        row::save(&mut tx, &mut row, &id.to_string(), now).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Storer {
    /// A part that is stored, now or before.
    async fn part(&self, row: &Row, part: Part, wanted: EnvelopePart) -> Result<Stored, ProviderError> {
        if let Some(there) = files::kept(&self.blobs, row, part).await? {
            return Ok(there);
        }
        let pdf = self.fetch(row, wanted).await?;
        files::checked(&pdf)?;
        files::keep(&self.blobs, row, part, pdf).await
    }

    async fn fetch(&self, row: &Row, wanted: EnvelopePart) -> Result<Bytes, ProviderError> {
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
        let first = self.ask(adapter, &base, &ready, envelope_id, wanted).await;
        match renewed(&*self.access, &base, &ready, &first).await? {
            None => first,
            Some(ready) => self.ask(adapter, &base, &ready, envelope_id, wanted).await,
        }
    }

    async fn ask(
        &self,
        adapter: &dyn SignatureProvider,
        base: &Connection,
        ready: &Connection,
        envelope_id: &str,
        wanted: EnvelopePart,
    ) -> Result<Bytes, ProviderError> {
        let traceparent = puente_telemetry::current_traceparent();
        let ctx = CallCtx {
            connection: base,
            http: &self.http,
            idempotency_key: "",
            deadline: (self.timeout)(&base.provider),
            traceparent: traceparent.as_deref(),
        };
        adapter
            .fetch(over(ctx, ready), envelope_id, wanted, MAX_BYTES)
            .await
    }
}
