//! Documents: found at the services that keep what is known of them, with their bytes in `puente_blob`.
//!
//! # Protocol
//! Who brings a file: its content is judged, a row in the audit trail, the bytes, and then the record at the service that
//! owns the thing it is about. Who wants one is given a link of an hour, made on demand and never kept; the file is
//! compared with its recorded hash before. The link is answered at [`serve::PATH`] by whoever holds it.
//!
//! # Never
//! A link in a log, a row or an answer that is kept; a file whose content is not what was recorded; a container beyond
//! the reach of the role ([`crate::domain::documents`]).

mod bring;
mod plate;
pub(crate) mod serve;
mod show;

use std::sync::Arc;

use puente_blob::{BlobError, Blobs, StorageSettings};
use puente_service::StartError;
use puente_types::Clock;

use crate::application::failure::Failure;
use crate::state::App;

pub(crate) use bring::{Brought, By, bring, scan};
pub(crate) use plate::{Photo, Plate, recognise};
pub(crate) use show::{link, picture};

/// The store of the configuration; nothing without a key to sign links with.
pub(crate) async fn open(
    settings: &StorageSettings,
    public_url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Blobs>, StartError> {
    if settings.link_key.is_none() {
        tracing::warn!("there is no storage.link_key: no document is shown or taken");
        return Ok(None);
    }
    let settings = StorageSettings {
        public_url: public_url.to_owned(),
        ..settings.clone()
    };
    let blobs = Blobs::open(&settings, clock.clone())
        .map_err(|error| StartError::other("documents cannot be kept", error))?;
    // A store that is away now may be back for the first document.
    if let Err(error) = blobs.ensure_containers().await {
        tracing::warn!(
            code = error.code(),
            "the containers of documents cannot be made sure of"
        );
    }
    Ok(Some(blobs))
}

/// The store.
fn blobs(app: &App) -> Result<&Blobs, Failure> {
    app.blobs.as_ref().ok_or(Failure::Away("storage"))
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotFound => Self::NotFound,
            BlobError::AlreadyExists => {
                Self::Refused("another file was brought with the same key".to_owned())
            }
            BlobError::TooLarge { .. } => Self::TooLong,
            BlobError::Tampered => {
                tracing::error!("a stored document is not what was recorded");
                Self::Altered
            }
            BlobError::Configuration { code, .. } => {
                tracing::error!(code, "the storage is not set up");
                Self::Broken("storage")
            }
            BlobError::Unavailable { code, .. } => {
                tracing::warn!(code, "the storage gives no answer");
                Self::Away("storage")
            }
        }
    }
}
