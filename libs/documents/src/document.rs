//! A document before and after it was recorded.

use puente_blob::{BlobKey, Container, MediaType, Sha256Hash, Stored};
use puente_types::TenantId;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `order`, `service_provider`, `asset`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl About {
    /// A thing of this kind with this id.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl ToString) -> Self {
        Self {
            kind: kind.into(),
            id: id.to_string(),
        }
    }
}

/// A file that was stored, and is to be recorded.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// Whose it is.
    pub tenant: TenantId,
    /// A record with the same key has no second effect: the effect's key, the provider's id of the file …
    pub idempotency_key: String,
    /// What it is about.
    pub about: About,
    /// What it is; must be kept by the service.
    pub kind: String,
    /// What the store said.
    pub stored: Stored,
    /// The name that people see.
    pub file_name: String,
    /// Who brought it; empty when the program made it.
    pub by: String,
    /// The last day it is valid.
    pub expires_on: Option<Date>,
    /// A remark; may be empty.
    pub note: String,
    /// What led to it: an event's or an effect's id.
    pub cause: Option<String>,
}

/// A document as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is about.
    pub about: About,
    /// What it is.
    pub kind: String,
    /// Its container.
    pub container: Container,
    /// Its key in the container.
    pub key: BlobKey,
    /// The name that people see.
    pub file_name: String,
    /// What it is by content.
    pub media_type: MediaType,
    /// Its length.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: Sha256Hash,
    /// When it was recorded.
    pub stored_at: OffsetDateTime,
    /// Who brought it; empty when the program made it.
    pub by: String,
    /// The last day it is valid.
    pub expires_on: Option<Date>,
    /// When another took its place.
    pub replaced_at: Option<OffsetDateTime>,
    /// A remark.
    pub note: String,
    /// The trace that it was recorded in.
    pub traceparent: Option<String>,
}
