//! Which documents this service keeps, where photographs lie, and how they are recorded.

use puente_blob::{BlobKey, Container, MediaType, Stored};
use puente_documents::{About, Documents, Kept, NewDocument, RecordError};
use puente_outbox::{ApplyError, Tx};
use puente_types::TenantId;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

/// The largest photograph.
pub(crate) const MAX_BYTES: usize = 25 * 1024 * 1024;
/// What documents here are about.
pub(crate) const CAPTURE: &str = "capture";
/// A photograph of a plate.
pub(crate) const PHOTO: &str = "photo";

/// All kinds. People bring photographs by their command alone.
pub(crate) static KEPT: [Kept; 1] = [Kept {
    kind: PHOTO,
    about: CAPTURE,
    container: Container::Assets,
    media: &MediaType::IMAGES,
    max_bytes: MAX_BYTES,
    one: false,
    from_people: false,
}];

/// Where the photograph of an attempt lies: whoever fetches it again meets the same key.
pub(crate) fn key(tenant: &TenantId, capture: Uuid, attempt: u32, at: OffsetDateTime) -> BlobKey {
    let mut hash = Sha256::new();
    hash.update(capture.as_bytes());
    hash.update(attempt.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    // Its kind is not known before it is fetched; the store keeps it beside the content.
    BlobKey::named(tenant, at, Uuid::from_bytes(id), "")
}

/// A photograph that is to be recorded.
pub(crate) struct NewPhoto<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) capture: Uuid,
    pub(crate) attempt: u32,
    pub(crate) stored: &'a Stored,
    /// The name that people see; empty for one of ours.
    pub(crate) file_name: &'a str,
    pub(crate) by: &'a str,
}

/// Records a photograph.
pub(crate) async fn record(
    documents: &Documents,
    tx: &mut Tx,
    photo: &NewPhoto<'_>,
) -> Result<Uuid, ApplyError> {
    let file_name = if photo.file_name.is_empty() {
        format!("placa-{}.{}", photo.attempt, photo.stored.media_type.extension())
    } else {
        photo.file_name.to_owned()
    };
    let new = NewDocument {
        tenant: photo.tenant.clone(),
        idempotency_key: format!("photo:{}:{}", photo.capture, photo.attempt),
        about: About::new(CAPTURE, photo.capture),
        kind: PHOTO.to_owned(),
        stored: photo.stored.clone(),
        file_name,
        by: photo.by.to_owned(),
        expires_on: None,
        note: String::new(),
        cause: Some(photo.capture.to_string()),
    };
    match documents.record(tx, &new).await {
        Ok(recorded) => Ok(recorded.document().id),
        Err(RecordError::Database(error)) => Err(error.into()),
        Err(RecordError::Refused(reason)) => Err(ApplyError::Dead(reason.to_owned())),
    }
}
