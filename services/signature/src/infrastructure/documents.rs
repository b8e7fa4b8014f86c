//! Which documents this service keeps, and how those of a request are recorded.

use puente_blob::{Container, MediaType, Stored};
use puente_documents::{About, Documents, Kept, NewDocument, RecordError};
use puente_outbox::Tx;
use puente_ports::ProviderError;
use uuid::Uuid;

use crate::infrastructure::files::{MAX_BYTES, Part};
use crate::infrastructure::store::row::Row;
use crate::infrastructure::work::Trouble;

/// What documents here are about.
pub(crate) const ORDER: &str = "order";
/// The scan of a signed paper.
pub(crate) const SCAN: &str = "scan";
/// The summary of an order.
pub(crate) const SUMMARY: &str = "summary";

const PDF: &[MediaType] = &[MediaType::Pdf];

/// All kinds. None is brought by people directly: a scan comes with its command.
pub(crate) static KEPT: [Kept; 5] = [
    kept(Part::Contract.kind(), Container::Contracts, PDF),
    kept(Part::Signed.kind(), Container::Contracts, PDF),
    kept(Part::Certificate.kind(), Container::Contracts, PDF),
    kept(SCAN, Container::Contracts, &MediaType::SCANS),
    kept(SUMMARY, Container::Reports, PDF),
];

const fn kept(kind: &'static str, container: Container, media: &'static [MediaType]) -> Kept {
    Kept {
        kind,
        about: ORDER,
        container,
        media,
        max_bytes: MAX_BYTES,
        one: true,
        from_people: false,
    }
}

/// Records a part of a request.
pub(crate) async fn record(
    documents: &Documents,
    tx: &mut Tx,
    row: &Row,
    part: Part,
    stored: &Stored,
) -> Result<Uuid, Trouble> {
    let new = NewDocument {
        tenant: row.tenant.clone(),
        idempotency_key: format!("{}:{}", part.kind(), row.id),
        about: About::new(ORDER, row.order),
        kind: part.kind().to_owned(),
        stored: stored.clone(),
        file_name: part.file_name(row),
        by: String::new(),
        expires_on: None,
        note: String::new(),
        cause: Some(row.id.to_string()),
    };
    match documents.record(tx, &new).await {
        Ok(recorded) => Ok(recorded.document().id),
        Err(RecordError::Database(error)) => Err(error.into()),
        Err(RecordError::Refused(reason)) => Err(ProviderError::malformed(reason).into()),
    }
}
