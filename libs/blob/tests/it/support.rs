//! What the tests share.

use std::sync::Arc;

use bytes::Bytes;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;
use puente_blob::{BlobKey, Blobs, Links, StorageKind, StorageSettings};
use puente_testkit::TestAzurite;
use puente_types::{Clock, ManualClock, Secret, TenantId};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

/// 32 bytes in base64, and two others.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const NEWER_KEY: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const GATEWAY: &str = "https://puente.example";
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-25 10:00 UTC);

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn key() -> BlobKey {
    BlobKey::new(&tenant(), NOW, "pdf")
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn local_settings(folder: &TempDir) -> StorageSettings {
    StorageSettings::local(folder.path().join("storage"), GATEWAY, Secret::new(KEY))
}

pub(crate) fn open(settings: &StorageSettings, clock: &ManualClock) -> Blobs {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Blobs::open(settings, clock).unwrap()
}

/// A store in a folder, with its containers.
pub(crate) async fn local() -> (Blobs, ManualClock, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(NOW);
    let blobs = open(&local_settings(&folder), &clock);
    blobs.ensure_containers().await.unwrap();
    (blobs, clock, folder)
}

pub(crate) fn azure_settings(endpoint: &str) -> StorageSettings {
    StorageSettings {
        kind: StorageKind::Azure,
        // What Azure answers is tried here; what the gateway answers is tried with a folder.
        links: Links::Store,
        account: TestAzurite::ACCOUNT.to_owned(),
        account_key: Some(Secret::new(TestAzurite::KEY)),
        endpoint: endpoint.to_owned(),
        insecure_http: true,
        public_url: GATEWAY.to_owned(),
        link_key: Some(Secret::new(KEY)),
        ..StorageSettings::default()
    }
}

/// What an administrator must never do: a container that anybody may read.
pub(crate) async fn make_public_container(azurite: &TestAzurite, name: &str) {
    let key = AzureAccessKey::try_new(TestAzurite::KEY).unwrap();
    let url = format!("{}/{name}?restype=container", azurite.endpoint());
    let mut request = http::Request::put(&url)
        .header("content-length", "0")
        .header("x-ms-blob-public-access", "container")
        .body(HttpRequestBody::empty())
        .unwrap();
    let credential = AzureCredential::AccessKey(key);
    AzureAuthorizer::new(&credential, TestAzurite::ACCOUNT)
        .try_authorize(&mut request)
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let headers = request.headers().clone();
    let made = client.put(&url).headers(headers).send().await.unwrap();
    assert_eq!(made.status(), 201);
}
