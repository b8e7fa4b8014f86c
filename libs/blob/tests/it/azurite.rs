//! Azure Blob Storage, as the vendor's emulator has it: the behaviours of every store, links that the store answers,
//! and its refusals.

use std::time::Duration;

use puente_blob::{BlobError, BlobKey, Blobs, Container, Link, Links, MediaType, StorageSettings};
use puente_testkit::{Proxy, TestAzurite};
use puente_types::{Clock as _, ManualClock, Secret, SystemClock};
use reqwest::{Method, StatusCode};

use crate::behaviours;
use crate::support::{GATEWAY, azure_settings, bytes, key, open};

/// A clock that stands at the true time: the store has its own.
fn clock() -> ManualClock {
    ManualClock::at(SystemClock.now())
}

async fn store(azurite: &TestAzurite) -> (Blobs, ManualClock) {
    let clock = clock();
    let blobs = open(&azure_settings(azurite.endpoint()), &clock);
    blobs.ensure_containers().await.unwrap();
    (blobs, clock)
}

async fn ask(method: Method, url: &str, body: &'static str) -> reqwest::Response {
    // `Blobs` installed the TLS provider.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .request(method, url)
        .header("x-ms-blob-type", "BlockBlob")
        .body(body);
    request.send().await.unwrap()
}

async fn status(method: Method, link: &Link) -> StatusCode {
    ask(method, &link.url, "x").await.status()
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_behaves_as_every_store_and_its_links_allow_one_thing_each() {
    let azurite = TestAzurite::start().await;
    let (blobs, clock) = store(&azurite).await;
    behaviours::all(&blobs).await;
    a_read_link_reads_one_object_under_its_name(&blobs, &azurite).await;
    a_write_link_creates_once_and_reads_nothing(&blobs).await;
    a_link_that_ended_is_refused(&blobs, &clock).await;
    nobody_reads_without_a_link(&azurite).await;
    links_can_be_left_to_the_gateway(&azurite).await;
}

async fn a_read_link_reads_one_object_under_its_name(blobs: &Blobs, azurite: &TestAzurite) {
    let (mine, other) = (key(), key());
    for (key, text) in [(&mine, "mine"), (&other, "other")] {
        let put = blobs.put(Container::Contracts, key, bytes(text), MediaType::Pdf);
        put.await.unwrap();
    }
    let link = blobs.read_link(Container::Contracts, &mine, "Póliza 1.pdf", MediaType::Pdf);
    let address = format!("{}/contracts/{mine}?", azurite.endpoint());
    assert!(link.url.starts_with(&address), "{link:?}");
    let answer = ask(Method::GET, &link.url, "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let name = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(name.contains("UTF-8''P%C3%B3liza%201.pdf"), "{name}");
    assert_eq!(answer.text().await.unwrap(), "mine");

    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(status(method, &link).await, StatusCode::FORBIDDEN);
    }
    for url in [
        link.url.replace(mine.as_str(), other.as_str()),
        link.url.replace("/contracts/", "/orders/"),
        link.url.replace("sp=r&", "sp=rw&"),
        link.url.replace("P%25C3%25B3liza", "Otra"),
        link.url.replace("application%2Fpdf", "text%2Fhtml"),
        link.url.replace("&se=20", "&se=21"),
    ] {
        assert_ne!(url, link.url, "something was altered");
        let refused = ask(Method::GET, &url, "").await.status();
        assert_eq!(refused, StatusCode::FORBIDDEN, "{url}");
    }
}

async fn a_write_link_creates_once_and_reads_nothing(blobs: &Blobs) {
    let key = key();
    let link = blobs.write_link(Container::Orders, &key, MediaType::Pdf);
    assert_eq!(status(Method::GET, &link).await, StatusCode::FORBIDDEN, "before");
    assert_eq!(status(Method::PUT, &link).await, StatusCode::CREATED);
    let again = ask(Method::PUT, &link.url, "other").await.status();
    assert_eq!(again, StatusCode::FORBIDDEN, "nothing is written over");
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(status(method, &link).await, StatusCode::FORBIDDEN);
    }
    let stored = blobs.get(Container::Orders, &key, 10, None).await.unwrap();
    assert_eq!(stored, bytes("x"));
}

async fn a_link_that_ended_is_refused(blobs: &Blobs, clock: &ManualClock) {
    let key = key();
    let put = blobs.put(Container::Orders, &key, bytes("x"), MediaType::Pdf);
    put.await.unwrap();
    let link = || blobs.read_link(Container::Orders, &key, "a.pdf", MediaType::Pdf);
    assert_eq!(status(Method::GET, &link()).await, StatusCode::OK);
    // Seen from a clock that stood still for an hour, the link is new; the store knows better.
    let now = clock.now();
    let behind = ManualClock::at(now - Duration::from_mins(61));
    let ended = open(&azure_settings(&endpoint_of(&link())), &behind).read_link(
        Container::Orders,
        &key,
        "a.pdf",
        MediaType::Pdf,
    );
    assert_eq!(status(Method::GET, &ended).await, StatusCode::FORBIDDEN);
}

fn endpoint_of(link: &Link) -> String {
    let (endpoint, _) = link.url.split_once("/orders/").unwrap();
    endpoint.to_owned()
}

async fn nobody_reads_without_a_link(azurite: &TestAzurite) {
    for container in Container::ALL {
        let list = format!("{}/{container}?restype=container&comp=list", azurite.endpoint());
        let refused = ask(Method::GET, &list, "").await.status();
        assert!(
            matches!(refused, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
            "{container}: {refused}"
        );
    }
}

async fn links_can_be_left_to_the_gateway(azurite: &TestAzurite) {
    let settings = StorageSettings {
        links: Links::Gateway,
        ..azure_settings(azurite.endpoint())
    };
    let blobs = open(&settings, &clock());
    let key = key();
    let link = blobs.read_link(Container::Orders, &key, "a.pdf", MediaType::Pdf);
    let (address, query) = link.url.split_once('?').unwrap();
    assert_eq!(address, format!("{GATEWAY}/archivos/orders/{key}"));
    let claims = blobs.open_link(&Method::GET, Container::Orders, &key, query);
    assert_eq!(claims.unwrap().key, key);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_outages_of_azure_are_told_apart() {
    let azurite = TestAzurite::start().await;
    a_wrong_account_key_is_a_matter_of_configuration(&azurite).await;
    a_container_that_is_missing_is_a_matter_of_configuration(&azurite).await;
    a_container_that_anybody_may_read_is_refused(&azurite).await;
    while_the_store_is_away_writes_wait_and_then_succeed(&azurite).await;
}

async fn a_wrong_account_key_is_a_matter_of_configuration(azurite: &TestAzurite) {
    let settings = StorageSettings {
        account_key: Some(Secret::new("d3Jvbmcga2V5IG9mIHRoZSBhY2NvdW50")),
        ..azure_settings(azurite.endpoint())
    };
    let blobs = open(&settings, &clock());
    let refused = blobs.ensure_containers().await.unwrap_err();
    assert!(matches!(refused, BlobError::Configuration { .. }), "{refused:?}");
    let refused = blobs
        .put(Container::Orders, &key(), bytes("x"), MediaType::Pdf)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            BlobError::Configuration {
                code: "storage_refused",
                ..
            }
        ),
        "{refused:?}"
    );
    let told = format!("{refused} {refused:?}");
    assert!(!told.contains("d3Jvbmcga2V5"), "{told}");
}

async fn a_container_that_is_missing_is_a_matter_of_configuration(azurite: &TestAzurite) {
    let settings = StorageSettings {
        prefix: "nobody-made-".to_owned(),
        ..azure_settings(azurite.endpoint())
    };
    let blobs = open(&settings, &clock());
    let refused = blobs
        .put(Container::Orders, &key(), bytes("x"), MediaType::Pdf)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            BlobError::Configuration {
                code: "container_missing",
                ..
            }
        ),
        "{refused:?}"
    );
}

/// Somebody made the container before, and let anybody read it.
async fn a_container_that_anybody_may_read_is_refused(azurite: &TestAzurite) {
    let settings = StorageSettings {
        prefix: "open-".to_owned(),
        ..azure_settings(azurite.endpoint())
    };
    crate::support::make_public_container(azurite, "open-orders").await;
    let refused = open(&settings, &clock()).ensure_containers().await.unwrap_err();
    assert!(
        matches!(
            refused,
            BlobError::Configuration {
                code: "container_public",
                ..
            }
        ),
        "{refused:?}"
    );
}

async fn while_the_store_is_away_writes_wait_and_then_succeed(azurite: &TestAzurite) {
    let proxy = Proxy::to_url(azurite.endpoint()).await;
    let blobs = open(&azure_settings(&proxy.url(azurite.endpoint())), &clock());
    blobs.ensure_containers().await.unwrap();
    proxy.cut();
    let key: BlobKey = key();
    let put = async || {
        blobs
            .put(Container::Orders, &key, bytes("x"), MediaType::Pdf)
            .await
    };
    let away = put().await.unwrap_err();
    assert!(matches!(away, BlobError::Unavailable { .. }), "{away:?}");
    proxy.mend();
    put().await.unwrap();
}
