//! Files that came with messages: fetched over the connection that the message came in by, judged by content, and stored
//! under the key that the caller gives.
//!
//! Fetching changes nothing at the provider, so it is a plain call and no effect. The key follows from what the file is
//! for: whoever asks again finds what was stored, and the provider is not asked a second time. Nothing is told of a file
//! but its kind, size and hash.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use puente_blob::content::{self, ContentError};
use puente_blob::{BlobError, BlobKey, Blobs, Container, MediaType, Sha256Hash, Stored};
use puente_ports::{CallCtx, MediaFile, Outbound, ProviderError, Registry};
use puente_types::{ConnectionId, TenantId};
use puente_vault::Connections;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The largest file that is fetched: pictures and documents of chats are smaller, videos are not wanted.
pub(crate) const MAX_FILE: usize = 25 * 1024 * 1024;
/// Files held in memory at the same time in one replica: each up to [`MAX_FILE`].
const AT_ONCE: usize = 4;
/// How long a caller waits for its turn before it is told to come again.
const TURN: Duration = Duration::from_secs(10);
/// Calls of one fetch: where the file lies, its bytes, and both once more when the link had ended.
const CALLS: u32 = 4;
/// No fetch takes longer, whatever the provider's own patience is.
const LONGEST: Duration = Duration::from_secs(60);

/// A file that is wanted.
pub(crate) struct Wanted {
    pub(crate) tenant: TenantId,
    pub(crate) provider: String,
    pub(crate) connection: ConnectionId,
    pub(crate) file: MediaFile,
    /// What it must be, where that was declared.
    pub(crate) sha256: Option<Sha256Hash>,
    pub(crate) container: Container,
    pub(crate) key: BlobKey,
    pub(crate) kinds: Vec<MediaType>,
    pub(crate) max_bytes: usize,
}

/// Why a file is not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    /// No documents are kept here.
    #[error("no storage is configured")]
    NoStorage,
    /// The tenant has no such connection, or it carries no messages.
    #[error("the tenant has no such connection")]
    NoConnection,
    /// Too many files at the same time.
    #[error("too many files are being fetched")]
    Busy,
    /// The provider did not answer in time.
    #[error("the file did not come in time")]
    Late,
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The file is not what is wanted.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The file is not what was declared.
    #[error("the file has another hash than was declared")]
    Hash,
    /// The store.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Fetches and stores. Clones share the turns.
#[derive(Clone)]
pub(crate) struct Media {
    pub(crate) connections: Connections,
    pub(crate) http: Arc<dyn Outbound>,
    pub(crate) registry: Registry,
    pub(crate) blobs: Option<Blobs>,
    turns: Arc<Semaphore>,
}

impl Media {
    pub(crate) fn new(
        connections: Connections,
        http: Arc<dyn Outbound>,
        registry: Registry,
        blobs: Option<Blobs>,
    ) -> Self {
        Self {
            connections,
            http,
            registry,
            blobs,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Stores the file, or finds that it is stored.
    pub(crate) async fn store(&self, wanted: &Wanted) -> Result<Stored, MediaError> {
        let blobs = self.blobs.as_ref().ok_or(MediaError::NoStorage)?;
        let turn = timeout(TURN, self.turns.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(MediaError::Busy)?;
        match blobs.get(wanted.container, &wanted.key, MAX_FILE, None).await {
            Ok(bytes) => return judged(wanted, &bytes),
            Err(BlobError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        let bytes = self.fetch(wanted).await?;
        let found = judged(wanted, &bytes)?;
        match blobs
            .put(wanted.container, &wanted.key, bytes, found.media_type)
            .await
        {
            // Somebody stored the file between our look and our write, in another coat: some providers encode anew.
            Err(BlobError::AlreadyExists) => {
                let bytes = blobs.get(wanted.container, &wanted.key, MAX_FILE, None).await?;
                judged(wanted, &bytes)
            }
            stored => Ok(stored?),
        }
    }

    async fn fetch(&self, wanted: &Wanted) -> Result<Bytes, MediaError> {
        let connection = self.connections.get(&wanted.connection);
        let connection = connection
            .filter(|found| found.tenant == wanted.tenant && found.provider == wanted.provider)
            .ok_or(MediaError::NoConnection)?;
        let provider = (self.registry)(&connection.provider).ok_or(MediaError::NoConnection)?;
        let channel = provider.message().ok_or(MediaError::NoConnection)?;
        let deadline = Duration::from_millis(provider.manifest().timeout_ms);
        let ctx = CallCtx {
            connection: &connection,
            http: &*self.http,
            idempotency_key: "",
            deadline,
            traceparent: None,
        };
        let fetching = channel.media(ctx, &wanted.file, wanted.max_bytes);
        let fetched = timeout((deadline * CALLS).min(LONGEST), fetching).await;
        Ok(fetched.map_err(|_| MediaError::Late)??)
    }
}

/// The file as it is recorded, if it is what was wanted and declared.
fn judged(wanted: &Wanted, bytes: &Bytes) -> Result<Stored, MediaError> {
    let media_type = content::check(bytes, &wanted.kinds, wanted.max_bytes)?;
    let sha256 = Sha256Hash::of(bytes);
    if wanted.sha256.is_some_and(|declared| declared != sha256) {
        return Err(MediaError::Hash);
    }
    Ok(Stored {
        container: wanted.container,
        key: wanted.key.clone(),
        media_type,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        sha256,
    })
}
