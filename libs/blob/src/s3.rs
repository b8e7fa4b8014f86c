//! Stores that speak S3, through the client library alone. Buckets are made by whoever deploys: their names are the
//! world's, and their privacy is set where they are made. Links go to the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use object_store::aws::AmazonS3Builder;

use crate::cloud::{Client, Cloud, classed, retries};
use crate::road::Road;
use crate::{BlobError, Container, OpenError, StorageSettings, open};

/// A client for each bucket.
pub(crate) fn open(settings: &StorageSettings) -> Result<Cloud, OpenError> {
    open::prefix(&settings.prefix)?;
    let secret = settings.identity_secret.as_ref();
    let secret = secret.ok_or(OpenError::Missing("identity_secret"))?;
    let road = Road::new("s3", settings.insecure_http)?;
    let mut clients = BTreeMap::new();
    for container in Container::ALL {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(format!("{}{container}", settings.prefix))
            .with_region(&settings.region)
            .with_access_key_id(&settings.identity_client)
            .with_secret_access_key(secret.expose())
            .with_allow_http(settings.insecure_http)
            .with_retry(retries())
            .with_http_connector(road.clone());
        if !settings.endpoint.is_empty() {
            let url = open::s3_address(settings)?;
            builder = builder.with_endpoint(url.as_str().trim_end_matches('/'));
        }
        let store = builder.build().map_err(|error| OpenError::Failed(error.into()))?;
        clients.insert(container, Arc::new(store) as Arc<dyn Client>);
    }
    Ok(Cloud(clients))
}

/// Looks whether every bucket answers.
pub(crate) async fn ensure(cloud: &Cloud) -> Result<(), BlobError> {
    for (container, client) in &cloud.0 {
        if let Some(Err(error)) = client.list(None).next().await {
            tracing::warn!(%container, "the bucket does not answer");
            return Err(match classed(error) {
                BlobError::NotFound => BlobError::configuration("container_missing", container.as_str()),
                other => other,
            });
        }
    }
    Ok(())
}
