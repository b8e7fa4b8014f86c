//! Fetching the photographs of conversations: notifications owns their connections, and stores them where we say.

use std::time::Duration;

use puente_blob::{BlobKey, Container, MediaType, Sha256Hash, Stored};
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_proto::notifications::StoreMediaRequest;
use puente_proto::notifications::media_files_client::MediaFilesClient;
use puente_rpc::{Caller, Peer, Scope};
use puente_types::TenantId;
use tonic::{Code, Status};

use crate::infrastructure::documents::MAX_BYTES;
use crate::infrastructure::store::turn::File;

/// Who asks.
const SERVICE: &str = "ocr";

/// The way to notifications.
#[derive(Clone)]
pub(crate) struct Media {
    way: Option<Peer>,
    patience: Duration,
}

impl Media {
    /// By this way; no files are fetched without one.
    pub(crate) const fn new(way: Option<Peer>, patience: Duration) -> Self {
        Self { way, patience }
    }

    /// Stores a file under a key. A repeated call finds what was stored.
    ///
    /// # Errors
    /// `Rejected` when there is no such picture, `Unavailable` when it is worth trying again.
    pub(crate) async fn store(
        &self,
        tenant: &TenantId,
        file: &File,
        key: &BlobKey,
    ) -> Result<Stored, ProviderError> {
        let way = self.way.as_ref().ok_or_else(|| {
            let detail = "where notifications answers is not configured (`notifications_url`)";
            ProviderError::configuration("notifications_unknown", detail)
        })?;
        let caller = Caller {
            scope: Scope::Tenant(tenant.clone()),
            subject: SERVICE.to_owned(),
            role: SERVICE.to_owned(),
        };
        let container = Container::Assets;
        let wish = StoreMediaRequest {
            provider: file.provider.clone(),
            connection: file.connection.clone(),
            provider_media_id: file.id.clone(),
            url: file.url.clone(),
            sha256: file.sha256.clone(),
            container: container.as_str().to_owned(),
            key: key.to_string(),
            media_types: MediaType::IMAGES
                .iter()
                .map(|media| media.mime().to_owned())
                .collect(),
            max_bytes: u64::try_from(MAX_BYTES).unwrap_or(0),
        };
        let request = way
            .calls
            .request(&caller, wish)
            .map_err(|_| ProviderError::malformed("the caller cannot be put into a token"))?;
        let mut client = MediaFilesClient::new(way.channel.clone());
        let answered = tokio::time::timeout(self.patience, client.store_media(request)).await;
        let stored = answered
            .map_err(|_| away("notifications did not answer in time"))?
            .map_err(|status| refused(&status))?
            .into_inner();
        let media_type = MediaType::ALL
            .into_iter()
            .find(|media| media.mime() == stored.media_type)
            .ok_or_else(|| ProviderError::malformed("what was stored is no picture"))?;
        let sha256: Sha256Hash = stored
            .sha256
            .parse()
            .map_err(|_| ProviderError::malformed("what was stored has no hash"))?;
        Ok(Stored {
            container,
            key: key.clone(),
            media_type,
            bytes: stored.bytes,
            sha256,
        })
    }
}

fn away(detail: &str) -> ProviderError {
    let kind = ProviderErrorKind::Unavailable { retry_after: None };
    ProviderError::new(kind, "media_away", detail)
}

/// What notifications says; its text may name what was sent, and is not repeated.
fn refused(status: &Status) -> ProviderError {
    match status.code() {
        Code::NotFound => gone("media_gone", "the file is no longer at its provider"),
        Code::InvalidArgument => gone("media_refused", "the file is no picture that is kept"),
        Code::FailedPrecondition => {
            ProviderError::configuration("media_connection", "the connection of the message cannot be used")
        }
        Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented => {
            ProviderError::configuration("media_denied", "notifications does not answer this service")
        }
        _ => away("the file cannot be fetched now"),
    }
}

fn gone(code: &str, detail: &str) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Rejected, code, detail)
}
