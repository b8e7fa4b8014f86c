//! Files of messages: fetched over the tenant's connection, judged, and stored once under the key that is asked for.

use puente_blob::{BlobError, BlobKey, Container, Sha256Hash};
use puente_ports::{Connection, ProviderError, ProviderErrorKind};
use puente_proto::notifications::media_files_client::MediaFilesClient;
use puente_proto::notifications::{StoreMediaRequest, StoreMediaResponse};
use puente_providers::sim::{self, Account, FaultKind, Hub};
use puente_rpc::Scope;
use puente_testkit::service::Asker;
use puente_types::Secret;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::{Fake, Stage, tenant};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01 a photo of a plate";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR a photo of a plate";
const PLACE: &str = "t/acme/2026/11/0190b0f4-8e5f-7cc0-9d55-0a1b2c3d4e5f.jpg";

struct Asking {
    client: MediaFilesClient<Channel>,
    asker: Asker,
}

impl Asking {
    async fn of(stage: &Stage, scope: Scope) -> Self {
        let asker = Asker::with("notifications", stage.grpc, scope)
            .await
            .as_role("operator");
        Self {
            client: MediaFilesClient::new(asker.channel.clone()),
            asker,
        }
    }

    async fn acme(stage: &Stage) -> Self {
        Self::of(stage, Scope::Tenant(tenant("acme"))).await
    }

    async fn store(&self, request: StoreMediaRequest) -> Result<StoreMediaResponse, Status> {
        let request = self.asker.signed(request);
        Ok(self.client.clone().store_media(request).await?.into_inner())
    }

    async fn refused(&self, request: StoreMediaRequest) -> Code {
        self.store(request).await.expect_err("a refusal").code()
    }
}

fn photo() -> StoreMediaRequest {
    StoreMediaRequest {
        provider: "fake".into(),
        connection: "acme-chat".into(),
        provider_media_id: "media-1".into(),
        container: "assets".into(),
        key: PLACE.into(),
        media_types: vec!["image/jpeg".into(), "image/png".into()],
        ..StoreMediaRequest::default()
    }
}

async fn stored(stage: &Stage, key: &str) -> Result<Vec<u8>, BlobError> {
    let key = BlobKey::parse(key).unwrap();
    let bytes = stage.blobs.get(Container::Assets, &key, 1_000_000, None).await?;
    Ok(bytes.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_fetched_once_and_found_again_under_its_key() {
    let stage = Stage::set().await;
    let acme = Asking::acme(&stage).await;
    Fake::gives(Ok(JPEG));
    let answer = acme.store(photo()).await.unwrap();
    assert_eq!(answer.media_type, "image/jpeg");
    assert_eq!(answer.bytes, JPEG.len() as u64);
    assert_eq!(answer.sha256, Sha256Hash::of(JPEG).to_string());
    assert_eq!(stored(&stage, PLACE).await.unwrap(), JPEG);
    for _ in 0..2 {
        assert_eq!(acme.store(photo()).await.unwrap(), answer);
    }
    let declared = StoreMediaRequest {
        sha256: answer.sha256.to_uppercase(),
        ..photo()
    };
    assert_eq!(acme.store(declared).await.unwrap(), answer);
    assert_eq!(Fake::fetched().len(), 1, "the provider was asked once");
    assert_eq!(Fake::fetched()[0].id, "media-1");
    // Another file is another file.
    let other = StoreMediaRequest {
        key: PLACE.replace("5f.jpg", "60.png"),
        url: "https://files.example.test/1".into(),
        ..photo()
    };
    Fake::gives(Ok(PNG));
    assert_eq!(acme.store(other).await.unwrap().media_type, "image/png");
    assert_eq!(Fake::fetched()[1].url, "https://files.example.test/1");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_too_large_of_another_kind_or_not_as_declared_is_not_stored() {
    let stage = Stage::set().await;
    let acme = Asking::acme(&stage).await;
    assert_eq!(acme.refused(photo()).await, Code::NotFound);
    let small = StoreMediaRequest {
        max_bytes: JPEG.len() as u64 - 1,
        ..photo()
    };
    Fake::gives(Ok(JPEG));
    assert_eq!(acme.refused(small).await, Code::InvalidArgument);
    for bytes in [b"%PDF-1.7 no picture".as_slice(), b"<html>login</html>", b""] {
        Fake::gives(Ok(bytes));
        assert_eq!(acme.refused(photo()).await, Code::InvalidArgument);
    }
    let only_png = StoreMediaRequest {
        media_types: vec!["image/png".into()],
        ..photo()
    };
    Fake::gives(Ok(JPEG));
    assert_eq!(acme.refused(only_png).await, Code::InvalidArgument);
    let declared = StoreMediaRequest {
        sha256: Sha256Hash::of(PNG).to_string(),
        ..photo()
    };
    Fake::gives(Ok(JPEG));
    assert_eq!(acme.refused(declared.clone()).await, Code::InvalidArgument);
    assert!(matches!(stored(&stage, PLACE).await, Err(BlobError::NotFound)));
    // The same holds of what is stored: its size, its kind, its hash.
    let exact = StoreMediaRequest {
        max_bytes: JPEG.len() as u64,
        ..photo()
    };
    Fake::gives(Ok(JPEG));
    assert!(acme.store(exact).await.is_ok());
    assert_eq!(acme.refused(declared).await, Code::InvalidArgument);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_asking_again_helps_follows_from_what_the_provider_said() {
    let stage = Stage::set().await;
    let acme = Asking::acme(&stage).await;
    let secret = "Token abc of 573001234567 is wrong";
    for (kind, code) in [
        (ProviderErrorKind::Auth, Code::FailedPrecondition),
        (ProviderErrorKind::Configuration, Code::FailedPrecondition),
        (
            ProviderErrorKind::RateLimited { retry_after: None },
            Code::Unavailable,
        ),
        (
            ProviderErrorKind::Unavailable { retry_after: None },
            Code::Unavailable,
        ),
        (ProviderErrorKind::OutcomeUnknown, Code::Unavailable),
        (ProviderErrorKind::Rejected, Code::NotFound),
        (ProviderErrorKind::Malformed, Code::NotFound),
    ] {
        Fake::gives(Err(ProviderError::new(kind.clone(), "131052", secret)));
        let refusal = acme.store(photo()).await.expect_err("a refusal");
        assert_eq!(refusal.code(), code, "{kind:?}");
        assert!(
            !refusal.message().contains("573001234567"),
            "{}",
            refusal.message()
        );
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_stores_over_its_own_connections_under_its_own_prefix_alone() {
    let stage = Stage::set().await;
    let acme = Asking::acme(&stage).await;
    let with = |change: fn(&mut StoreMediaRequest)| {
        let mut request = photo();
        change(&mut request);
        request
    };
    for (request, code) in [
        (
            with(|r| r.key = PLACE.replace("acme", "other")),
            Code::PermissionDenied,
        ),
        (with(|r| r.key = "plates/1.jpg".into()), Code::PermissionDenied),
        (
            with(|r| r.key = "t/acme/../other/1.jpg".into()),
            Code::InvalidArgument,
        ),
        (with(|r| r.key = String::new()), Code::InvalidArgument),
        (
            with(|r| r.connection = "other-chat".into()),
            Code::FailedPrecondition,
        ),
        (
            with(|r| r.connection = "acme-nowhere".into()),
            Code::FailedPrecondition,
        ),
        (with(|r| r.connection = "../x".into()), Code::FailedPrecondition),
        (
            with(|r| r.provider = "whatsapp_cloud".into()),
            Code::FailedPrecondition,
        ),
        (with(|r| r.container = "contracts".into()), Code::InvalidArgument),
        (with(|r| r.container = "nowhere".into()), Code::InvalidArgument),
        (with(|r| r.sha256 = "abc".into()), Code::InvalidArgument),
        (
            with(|r| r.media_types = vec!["text/html".into()]),
            Code::InvalidArgument,
        ),
        (
            with(|r| r.provider_media_id = String::new()),
            Code::InvalidArgument,
        ),
        (with(|r| r.url = "x".repeat(4097)), Code::InvalidArgument),
    ] {
        assert_eq!(acme.refused(request.clone()).await, code, "{request:?}");
    }
    let everywhere = Asking::of(&stage, Scope::Installation).await;
    assert!(
        everywhere.store(photo()).await.is_err(),
        "a file belongs to a tenant"
    );
    assert!(Fake::fetched().is_empty());
    let other = Asking::of(&stage, Scope::Tenant(tenant("other"))).await;
    assert_eq!(other.refused(photo()).await, Code::PermissionDenied);
    stage.stop().await;
}

/// The simulators with an account of each channel, and the connections to them.
async fn simulators() -> (Hub, Vec<Connection>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hub = Hub::new();
    tokio::spawn(sim::serve(listener, hub.clone(), std::future::pending()));
    let mut connections = Vec::new();
    for (slug, secrets) in [
        ("whatsapp_cloud", &[("access_token", "token")][..]),
        ("jelou", &[("client_id", "id"), ("client_secret", "secret")]),
    ] {
        let mut account = Account::new("1001");
        for (name, value) in secrets {
            account = account.with_secret(name, value);
        }
        hub.put_account(slug, account);
        let base = format!("http://{address}/sim/{slug}");
        connections.push(Connection {
            id: format!("acme-{}", slug.replace('_', "-")).parse().unwrap(),
            tenant: tenant("acme"),
            provider: slug.to_owned(),
            account: Some("1001".to_owned()),
            settings: serde_json::Map::from_iter([("base_url".to_owned(), base.into())]),
            secrets: secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
                .collect(),
        });
    }
    (hub, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_real_channels_come_over_their_connections_and_are_asked_for_once() {
    let (hub, connections) = simulators().await;
    let stage = Stage::set_with(connections.clone()).await;
    let acme = Asking::acme(&stage).await;
    // Larger than an ordinary answer may be.
    let large = [JPEG, &vec![7; 6 * 1024 * 1024]].concat();
    let id = hub.put_media("whatsapp_cloud", large.clone(), "image/jpeg");
    let request = StoreMediaRequest {
        provider: "whatsapp_cloud".into(),
        connection: "acme-whatsapp-cloud".into(),
        provider_media_id: id.clone(),
        sha256: Sha256Hash::of(&large).to_string(),
        ..photo()
    };
    hub.fault("whatsapp_cloud", FaultKind::CutBefore.times(1));
    assert_eq!(acme.refused(request.clone()).await, Code::Unavailable);
    let answer = acme.store(request.clone()).await.unwrap();
    assert_eq!(
        (answer.bytes, answer.media_type.as_str()),
        (large.len() as u64, "image/jpeg")
    );
    hub.drop_media("whatsapp_cloud", &id);
    assert_eq!(
        acme.store(request.clone()).await.unwrap(),
        answer,
        "it is ours now"
    );
    let gone = StoreMediaRequest {
        key: PLACE.replace("5f.jpg", "61.jpg"),
        ..request
    };
    assert_eq!(acme.refused(gone).await, Code::NotFound);

    let id = hub.put_media("jelou", PNG, "image/png");
    let mut account = Account::new("1001").with_secret("signing_secret", "s");
    account.webhook_url = Some("https://hooks.example.test/webhooks".to_owned());
    hub.put_account("jelou", account);
    let message = sim::Inbound::image("1001", "573001234567", &id, "");
    let webhook = hub.webhook("jelou", &message).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&webhook.body).unwrap();
    let request = StoreMediaRequest {
        provider: "jelou".into(),
        connection: "acme-jelou".into(),
        provider_media_id: String::new(),
        url: told["value"]["content"]["url"].as_str().unwrap().to_owned(),
        key: PLACE.replace("5f.jpg", "62.png"),
        ..photo()
    };
    for _ in 0..2 {
        assert_eq!(acme.store(request.clone()).await.unwrap().media_type, "image/png");
    }
    assert_eq!(hub.media_fetches("jelou", &id), 1);
    let elsewhere = StoreMediaRequest {
        url: "http://127.0.0.1:1/x".into(),
        key: PLACE.replace("5f.jpg", "63.png"),
        ..request
    };
    assert_eq!(
        acme.refused(elsewhere).await,
        Code::FailedPrecondition,
        "no host of the vendor's"
    );
    stage.stop().await;
}
