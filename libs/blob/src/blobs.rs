//! What services use: stores, reads and links, whatever store is beneath.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use puente_types::Clock;

use crate::azure::Azure;
use crate::link::{READ_FOR, Signer, WRITE_FOR};
use crate::local::Folder;
use crate::settings::StorageKind;
use crate::store::{Created, Store};
use crate::{
    BlobError, BlobKey, Container, Link, LinkClaims, LinkError, MOST_LISTED, MediaType, OpenError, Page,
    Permission, Sha256Hash, StorageSettings, name, open,
};

/// The largest object that is kept: one request, held in memory once. Photos and PDFs are far smaller.
pub const MAX_OBJECT_BYTES: usize = 64 * 1024 * 1024;

/// What was stored, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where.
    pub container: Container,
    /// Under what key.
    pub key: BlobKey,
    /// What it is.
    pub media_type: MediaType,
    /// How large it is.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: Sha256Hash,
}

/// The store of documents. Clones share everything.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
    store: Store,
    links: Signer,
    clock: Arc<dyn Clock>,
}

impl Blobs {
    /// Opens the store that the settings name. Nothing outside this machine is called.
    ///
    /// # Errors
    /// When a setting is missing, wrong or unsafe.
    pub fn open(settings: &StorageSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let links = open::links(settings)?;
        let store = match settings.kind {
            StorageKind::Local => {
                let folder =
                    Folder::open(&settings.folder).map_err(|error| OpenError::Failed(error.into()))?;
                Store::Local(folder)
            }
            StorageKind::Azure => Store::Azure(Azure::open(settings, clock.clone())?),
            #[cfg(feature = "s3")]
            StorageKind::S3 => Store::S3(crate::s3::open(settings)?),
            #[cfg(not(feature = "s3"))]
            StorageKind::S3 => return Err(OpenError::NotBuilt("S3")),
        };
        Ok(Self(Arc::new(Inner { store, links, clock })))
    }

    /// Makes the five containers where they are missing, and makes sure that they are private.
    ///
    /// # Errors
    /// When the store refuses or cannot be reached.
    pub async fn ensure_containers(&self) -> Result<(), BlobError> {
        self.0.store.ensure().await
    }

    /// Stores an object. Whoever stores the same content under the same key again succeeds.
    ///
    /// # Errors
    /// `AlreadyExists` when the key has another content, `TooLarge` beyond [`MAX_OBJECT_BYTES`], else as the store says.
    pub async fn put(
        &self,
        container: Container,
        key: &BlobKey,
        bytes: Bytes,
        media_type: MediaType,
    ) -> Result<Stored, BlobError> {
        let created = self.create(container, key, bytes, media_type).await;
        created.map(|(stored, _)| stored)
    }

    /// The same, and whether this call made it. What was there before belongs to whoever stored it.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn create(
        &self,
        container: Container,
        key: &BlobKey,
        bytes: Bytes,
        media_type: MediaType,
    ) -> Result<(Stored, bool), BlobError> {
        if bytes.len() > MAX_OBJECT_BYTES {
            let max_bytes = MAX_OBJECT_BYTES;
            return Err(BlobError::TooLarge { max_bytes });
        }
        let stored = Stored {
            container,
            key: key.clone(),
            media_type,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: Sha256Hash::of(&bytes),
        };
        let size = bytes.len();
        match self.0.store.create(container, key, bytes, media_type).await? {
            Created::New => Ok((stored, true)),
            Created::Exists => match self.get(container, key, size, Some(&stored.sha256)).await {
                Ok(_) => Ok((stored, false)),
                Err(BlobError::Tampered | BlobError::TooLarge { .. }) => Err(BlobError::AlreadyExists),
                // It was deleted in between, or the conflict was another one: a container being deleted.
                Err(BlobError::NotFound) => Err(BlobError::unavailable("storage_busy", "it came and went")),
                Err(error) => Err(error),
            },
        }
    }

    /// Reads an object of at most `max_bytes`, and compares it with the hash that was recorded.
    ///
    /// # Errors
    /// `NotFound`, `TooLarge`, `Tampered` when it has another hash than `expected`, else as the store says.
    pub async fn get(
        &self,
        container: Container,
        key: &BlobKey,
        max_bytes: usize,
        expected: Option<&Sha256Hash>,
    ) -> Result<Bytes, BlobError> {
        let most = max_bytes.min(MAX_OBJECT_BYTES);
        self.0.store.refresh().await;
        let bytes = self.0.store.get(container, key, most).await?;
        if expected.is_some_and(|expected| *expected != Sha256Hash::of(&bytes)) {
            return Err(BlobError::Tampered);
        }
        Ok(bytes)
    }

    /// Deletes an object; one that is not there is deleted.
    ///
    /// # Errors
    /// As the store says.
    pub async fn delete(&self, container: Container, key: &BlobKey) -> Result<(), BlobError> {
        match self.0.store.delete(container, key).await {
            Err(BlobError::NotFound) => Ok(()),
            deleted => deleted,
        }
    }

    /// Whether there is such an object.
    ///
    /// # Errors
    /// As the store says.
    pub async fn exists(&self, container: Container, key: &BlobKey) -> Result<bool, BlobError> {
        self.0.store.exists(container, key).await
    }

    /// What lies in a container, at most `most` objects of it: the first ones, or those that `from` says, which is
    /// [`Page::next`] of the page before.
    ///
    /// # Errors
    /// As the store says.
    pub async fn list(
        &self,
        container: Container,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page, BlobError> {
        let most = most.clamp(1, MOST_LISTED);
        self.0.store.list(container, from, most).await
    }

    /// A link by which this object, and nothing else, can be read for an hour. It is saved under `file_name`.
    #[must_use]
    pub fn read_link(
        &self,
        container: Container,
        key: &BlobKey,
        file_name: &str,
        media_type: MediaType,
    ) -> Link {
        self.link(LinkClaims {
            file_name: name::clean(file_name),
            ..self.claims(container, key, Permission::Read, media_type)
        })
    }

    /// The same for content that was recorded: the gateway compares it with this hash when the link is followed.
    #[must_use]
    pub fn read_link_of(&self, stored: &Stored, file_name: &str) -> Link {
        let Stored {
            container,
            key,
            media_type,
            sha256,
            ..
        } = stored;
        self.link(LinkClaims {
            file_name: name::clean(file_name),
            sha256: Some(*sha256),
            ..self.claims(*container, key, Permission::Read, *media_type)
        })
    }

    /// A link by which this object can be written once within 15 minutes, and not be read. What comes is judged by its
    /// content when it is there: the store judges nothing.
    #[must_use]
    pub fn write_link(&self, container: Container, key: &BlobKey, media_type: MediaType) -> Link {
        self.link(self.claims(container, key, Permission::Create, media_type))
    }

    fn claims(
        &self,
        container: Container,
        key: &BlobKey,
        permission: Permission,
        media_type: MediaType,
    ) -> LinkClaims {
        let lives = match permission {
            Permission::Read => READ_FOR,
            Permission::Create => WRITE_FOR,
        };
        LinkClaims {
            container,
            key: key.clone(),
            permission,
            file_name: String::new(),
            media_type,
            sha256: None,
            // Whole seconds: what is signed, and what is said.
            expires_at: self.0.clock.now().truncate_to_second() + lives,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "made for this call alone")]
    fn link(&self, claims: LinkClaims) -> Link {
        let direct = self.0.store.link(&claims);
        direct.unwrap_or_else(|| self.0.links.link(&claims))
    }

    /// What a link that was presented at the gateway says: of this method, object and query.
    ///
    /// # Errors
    /// `Tampered` when we did not make it, `Expired`, or `NotAllowed` when it is for another method.
    pub fn open_link(
        &self,
        method: &Method,
        container: Container,
        key: &BlobKey,
        query: &str,
    ) -> Result<LinkClaims, LinkError> {
        let now = self.0.clock.now();
        self.0.links.open(method, container, key, query, now)
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs")
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}
