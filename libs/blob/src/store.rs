//! The stores, and what each of them does.

use bytes::Bytes;

use crate::azure::Azure;
#[cfg(feature = "s3")]
use crate::cloud::Cloud;
use crate::local::Folder;
use crate::{BlobError, BlobKey, Container, Link, LinkClaims, MediaType, Page};

/// What came of a write that creates only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there now.
    New,
    /// Something was there.
    Exists,
}

/// One of the stores.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A folder of this machine.
    Local(Folder),
    /// Azure Blob Storage.
    Azure(Azure),
    /// A store that speaks S3.
    #[cfg(feature = "s3")]
    S3(Cloud),
}

impl Store {
    pub(crate) async fn ensure(&self) -> Result<(), BlobError> {
        match self {
            Self::Local(folder) => folder.ensure().await,
            Self::Azure(azure) => azure.ensure().await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => crate::s3::ensure(cloud).await,
        }
    }

    /// Whatever must be fetched for links from time to time.
    pub(crate) async fn refresh(&self) {
        if let Self::Azure(azure) = self {
            azure.refresh().await;
        }
    }

    /// The link that the store itself answers, where it can.
    pub(crate) fn link(&self, claims: &LinkClaims) -> Option<Link> {
        match self {
            Self::Azure(azure) => azure.link(claims),
            _ => None,
        }
    }

    pub(crate) async fn create(
        &self,
        container: Container,
        key: &BlobKey,
        bytes: Bytes,
        media_type: MediaType,
    ) -> Result<Created, BlobError> {
        match self {
            Self::Local(folder) => folder.create(container, key, bytes).await,
            Self::Azure(azure) => azure.cloud.create(container, key, bytes, media_type).await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => cloud.create(container, key, bytes, media_type).await,
        }
    }

    pub(crate) async fn get(
        &self,
        container: Container,
        key: &BlobKey,
        max_bytes: usize,
    ) -> Result<Bytes, BlobError> {
        match self {
            Self::Local(folder) => folder.get(container, key, max_bytes).await,
            Self::Azure(azure) => azure.cloud.get(container, key, max_bytes).await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => cloud.get(container, key, max_bytes).await,
        }
    }

    pub(crate) async fn delete(&self, container: Container, key: &BlobKey) -> Result<(), BlobError> {
        match self {
            Self::Local(folder) => folder.delete(container, key).await,
            Self::Azure(azure) => azure.cloud.delete(container, key).await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => cloud.delete(container, key).await,
        }
    }

    pub(crate) async fn list(
        &self,
        container: Container,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page, BlobError> {
        match self {
            Self::Local(folder) => folder.list(container, from, most).await,
            Self::Azure(azure) => azure.cloud.list(container, from, most).await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => cloud.list(container, from, most).await,
        }
    }

    pub(crate) async fn exists(&self, container: Container, key: &BlobKey) -> Result<bool, BlobError> {
        match self {
            Self::Local(folder) => folder.exists(container, key).await,
            Self::Azure(azure) => azure.cloud.exists(container, key).await,
            #[cfg(feature = "s3")]
            Self::S3(cloud) => cloud.exists(container, key).await,
        }
    }
}
