//! The files of a request: where each lies follows from the request's id, so that whoever repeats a write that was cut off
//! meets the same file.

use bytes::Bytes;
use puente_blob::content;
use puente_blob::{BlobError, BlobKey, Blobs, Container, MediaType, Sha256Hash, Stored};
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_typeset::ANCHORS;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::signer::Role;
use crate::infrastructure::store::row::Row;

/// The largest file of a request: a contract of some pages, signed, is far smaller.
pub(crate) const MAX_BYTES: usize = 25 * 1024 * 1024;

/// A file of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What is to be signed.
    Contract,
    /// What was signed.
    Signed,
    /// What the provider says about the signing.
    Certificate,
}

impl Part {
    /// The kind of document.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Signed => "signed",
            Self::Certificate => "certificate",
        }
    }

    /// The name that people see.
    pub(crate) fn file_name(self, row: &Row) -> String {
        let what = match self {
            Self::Contract => "contrato",
            Self::Signed => "contrato-firmado",
            Self::Certificate => "certificado",
        };
        format!("{what}-{}-{}.pdf", row.number, row.attempt)
    }

    /// Where it lies.
    fn key(self, row: &Row) -> BlobKey {
        let mut hash = Sha256::new();
        hash.update(row.id.as_bytes());
        hash.update(self.kind());
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        BlobKey::named(&row.tenant, row.requested_at, Uuid::from_bytes(id), "pdf")
    }
}

/// Stores a part of a request. What was stored before stays, and is what counts.
///
/// # Errors
/// As the store says. A store that has no place to write is away: that passes.
pub(crate) async fn keep(blobs: &Blobs, row: &Row, part: Part, pdf: Bytes) -> Result<Stored, ProviderError> {
    let (container, key) = (Container::Contracts, part.key(row));
    match blobs.put(container, &key, pdf, MediaType::Pdf).await {
        Err(BlobError::AlreadyExists) => {
            let there = blobs.get(container, &key, MAX_BYTES, None).await?;
            Ok(Stored {
                container,
                key,
                media_type: MediaType::Pdf,
                bytes: u64::try_from(there.len()).unwrap_or(u64::MAX),
                sha256: Sha256Hash::of(&there),
            })
        }
        Err(BlobError::NotFound) => {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            let detail = "the store of documents has no place to write";
            Err(ProviderError::new(kind, "storage_away", detail))
        }
        done => Ok(done?),
    }
}

/// What is stored of a part, if it is.
///
/// # Errors
/// As the store says.
pub(crate) async fn kept(blobs: &Blobs, row: &Row, part: Part) -> Result<Option<Stored>, BlobError> {
    let (container, key) = (Container::Contracts, part.key(row));
    match blobs.get(container, &key, MAX_BYTES, None).await {
        Ok(there) => Ok(Some(Stored {
            container,
            key,
            media_type: MediaType::Pdf,
            bytes: u64::try_from(there.len()).unwrap_or(u64::MAX),
            sha256: Sha256Hash::of(&there),
        })),
        Err(BlobError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a provider gave, if it is a PDF.
///
/// # Errors
/// What it is instead.
pub(crate) fn checked(pdf: &Bytes) -> Result<(), ProviderError> {
    content::check(pdf, &[MediaType::Pdf], MAX_BYTES)
        .map(|_| ())
        .map_err(|error| ProviderError::new(ProviderErrorKind::Malformed, "not_a_pdf", error.to_string()))
}

/// The contract of a request, as it was recorded.
///
/// # Errors
/// When it is not there, or not what was recorded.
pub(crate) async fn contract(blobs: &Blobs, row: &Row) -> Result<Bytes, ProviderError> {
    let missing = || ProviderError::malformed("the request has no contract");
    let (key, hash) = row.contract.as_ref().ok_or_else(missing)?;
    let key = BlobKey::parse(key).map_err(|_| missing())?;
    let hash: Sha256Hash = hash.parse().map_err(|_| missing())?;
    Ok(blobs
        .get(Container::Contracts, &key, MAX_BYTES, Some(&hash))
        .await?)
}

/// The mark in the contract where somebody signs.
pub(crate) fn anchor(role: Role) -> &'static str {
    let name = match role {
        Role::Client => "client",
        Role::ServiceProvider => "provider",
        Role::Agent => "agent",
    };
    ANCHORS
        .iter()
        .find(|(role, _)| *role == name)
        .map_or("", |(_, anchor)| anchor)
}
