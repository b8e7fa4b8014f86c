//! Stores outside this machine, behind the client library.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Attribute, AttributeValue, BackoffConfig, Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, RetryConfig,
};
use time::OffsetDateTime;

use crate::store::Created;
use crate::{BlobError, BlobKey, Container, MediaType, Object, Page};

/// What a client of a container does: objects, and lists of them page by page.
pub(crate) trait Client: ObjectStore + PaginatedListStore {}

impl<T: ObjectStore + PaginatedListStore> Client for T {}

/// A client for each container.
#[derive(Debug, Clone)]
pub(crate) struct Cloud(pub(crate) BTreeMap<Container, Arc<dyn Client>>);

/// Short, so that the schedule of whoever called stays in charge: three repeats, none begun after 20 seconds.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
    }
}

impl Cloud {
    fn at(&self, container: Container) -> Result<&Arc<dyn Client>, BlobError> {
        let missing = || BlobError::configuration("container_missing", "no client for this container");
        self.0.get(&container).ok_or_else(missing)
    }

    pub(crate) async fn create(
        &self,
        container: Container,
        key: &BlobKey,
        bytes: Bytes,
        media_type: MediaType,
    ) -> Result<Created, BlobError> {
        let mut options = PutOptions::from(PutMode::Create);
        let kind = AttributeValue::from(media_type.mime());
        options.attributes.insert(Attribute::ContentType, kind);
        let (store, path) = (self.at(container)?, path(key)?);
        match store
            .put_opts(&path, PutPayload::from_bytes(bytes), options)
            .await
        {
            Ok(_) => Ok(Created::New),
            Err(Error::AlreadyExists { .. }) => Ok(Created::Exists),
            Err(error @ Error::NotFound { .. }) => Err(BlobError::configuration("container_missing", error)),
            Err(error) => Err(classed(error)),
        }
    }

    /// Reads at most one byte more than wanted, whatever is stored.
    pub(crate) async fn get(
        &self,
        container: Container,
        key: &BlobKey,
        max_bytes: usize,
    ) -> Result<Bytes, BlobError> {
        let most = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        let options = GetOptions::new().with_range(Some(0..most.saturating_add(1)));
        let found = self
            .at(container)?
            .get_opts(&path(key)?, options)
            .await
            .map_err(classed)?;
        if found.meta.size > most {
            return Err(BlobError::TooLarge { max_bytes });
        }
        found.bytes().await.map_err(classed)
    }

    pub(crate) async fn delete(&self, container: Container, key: &BlobKey) -> Result<(), BlobError> {
        self.at(container)?.delete(&path(key)?).await.map_err(classed)
    }

    pub(crate) async fn list(
        &self,
        container: Container,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page, BlobError> {
        let wanted = PaginatedListOptions {
            max_keys: Some(most),
            page_token: from.map(str::to_owned),
            ..PaginatedListOptions::default()
        };
        let listed = self.at(container)?.list_paginated(None, wanted).await;
        let listed = listed.map_err(classed)?;
        let objects = listed.result.objects.into_iter().map(|found| {
            let at = OffsetDateTime::from_unix_timestamp(found.last_modified.timestamp());
            let at = at.map_err(|error| BlobError::unavailable("storage_unreadable", error))?;
            Ok(Object {
                name: found.location.to_string(),
                bytes: found.size,
                stored_at: at,
            })
        });
        Ok(Page {
            objects: objects.collect::<Result<_, BlobError>>()?,
            next: listed.page_token,
        })
    }

    pub(crate) async fn exists(&self, container: Container, key: &BlobKey) -> Result<bool, BlobError> {
        match self.at(container)?.head(&path(key)?).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(classed(error)),
        }
    }
}

fn path(key: &BlobKey) -> Result<Path, BlobError> {
    Path::parse(key.as_str()).map_err(|error| BlobError::configuration("key_refused", error))
}

/// The class of what the library says. A match without a rest, so that nothing new is retried or given up unseen.
pub(crate) fn classed(error: Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::NotFound,
        Error::AlreadyExists { .. } | Error::Precondition { .. } => BlobError::AlreadyExists,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            BlobError::configuration("storage_refused", error)
        }
        Error::InvalidPath { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::UnknownConfigurationKey { .. } => BlobError::configuration("storage_misused", error),
        Error::NotModified { .. } | Error::Generic { .. } | Error::JoinError { .. } => {
            BlobError::unavailable("storage_unavailable", error)
        }
        _ => BlobError::unavailable("storage_unavailable", error),
    }
}
