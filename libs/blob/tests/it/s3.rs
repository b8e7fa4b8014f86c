//! A store that speaks S3. None is at hand in the usual tests: one that listens on this machine is named by a variable,
//! `PUENTE_TEST_S3=http://127.0.0.1:9000`, and its five buckets `test-…` are there.

use puente_blob::{Container, Links, MediaType, StorageKind, StorageSettings};
use puente_types::{ManualClock, Secret};

use crate::behaviours;
use crate::support::{GATEWAY, KEY, NOW, key, open};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server that speaks S3, named by PUENTE_TEST_S3"]
async fn s3_behaves_as_every_store_and_leaves_links_to_the_gateway() {
    let settings = StorageSettings {
        kind: StorageKind::S3,
        links: Links::Store,
        prefix: "test-".to_owned(),
        endpoint: std::env::var("PUENTE_TEST_S3").unwrap(),
        insecure_http: true,
        identity_client: "AKIDEXAMPLE".to_owned(),
        identity_secret: Some(Secret::new("secret")),
        public_url: GATEWAY.to_owned(),
        link_key: Some(Secret::new(KEY)),
        ..StorageSettings::default()
    };
    let blobs = open(&settings, &ManualClock::at(NOW));
    behaviours::all(&blobs).await;
    let link = blobs.read_link(Container::Orders, &key(), "a.pdf", MediaType::Pdf);
    assert!(link.url.starts_with(GATEWAY), "{link:?}");
}
