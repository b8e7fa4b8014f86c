//! Storing what was signed: fetched from the provider, stored and recorded; only then is the request `Firmado`.

use std::sync::Arc;

use async_trait::async_trait;
use puente_blob::{Blobs, Stored};
use puente_documents::Documents;
use puente_outbox::Outbox;
use puente_ports::{EnvelopePart, ProviderError};

use crate::domain::state::Step;
use crate::infrastructure::calls::Calls;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::documents;
use crate::infrastructure::files::{self, MAX_BYTES, Part};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::work::{Job, Trouble, locked};

/// Fetches and stores what was signed.
pub(crate) struct Storer {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) calls: Calls,
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
        let (mut tx, found) = locked(&self.outbox, &row.claimed(), Step::Storing).await?;
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
        let fetched = self.calls.ask(row, |adapter, ctx, envelope_id| {
            adapter.fetch(ctx, envelope_id, wanted, MAX_BYTES)
        });
        let pdf = fetched.await?;
        files::checked(&pdf)?;
        files::keep(&self.blobs, row, part, pdf).await
    }
}
