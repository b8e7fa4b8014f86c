//! Links of a service that has an identity and no account key. The emulator issues keys over TLS only, so a server of
//! ours answers here: the directory that signs in, and the store that issues keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use puente_blob::{Blobs, Container, MediaType, StorageSettings};
use puente_types::{ManualClock, Secret};
use tokio::task::JoinSet;

use crate::support::{GATEWAY, NOW, azure_settings, key, open};

#[derive(Default)]
struct Server {
    asked: AtomicUsize,
    issued: AtomicUsize,
    ends: Mutex<String>,
    down: AtomicUsize,
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let bearer = request
        .headers()
        .get("authorization")
        .map(|value| value.as_bytes());
    if path == "/directory/oauth2/v2.0/token" {
        return r#"{"access_token":"the-token","expires_in":3600,"token_type":"Bearer"}"#.into_response();
    }
    if bearer != Some(b"Bearer the-token") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if query.contains("comp=userdelegationkey") {
        server.asked.fetch_add(1, Ordering::SeqCst);
        if server.down.load(Ordering::SeqCst) > 0 {
            return StatusCode::FORBIDDEN.into_response();
        }
        server.issued.fetch_add(1, Ordering::SeqCst);
        let ends = server.ends.lock().unwrap().clone();
        return format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>\
             <SignedOid>the-object</SignedOid><SignedTid>the-directory</SignedTid>\
             <SignedStart>2026-11-25T09:55:00Z</SignedStart><SignedExpiry>{ends}</SignedExpiry>\
             <SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion>\
             <Value>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Value></UserDelegationKey>"
        )
        .into_response();
    }
    if query.contains("restype=container") {
        let made = request.method() == "PUT";
        return if made { StatusCode::CREATED } else { StatusCode::OK }.into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

async fn serve(ends: &str) -> (Arc<Server>, StorageSettings, JoinSet<()>) {
    let server = Arc::new(Server::default());
    ends.clone_into(&mut server.ends.lock().unwrap());
    let app = Router::new().fallback(answer).with_state(server.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
    let settings = StorageSettings {
        account_key: None,
        identity_authority: base.clone(),
        identity_tenant: "directory".to_owned(),
        identity_client: "application".to_owned(),
        identity_secret: Some(Secret::new("the-secret")),
        ..azure_settings(&format!("{base}/devstoreaccount1"))
    };
    (server, settings, tasks)
}

fn link(blobs: &Blobs) -> String {
    blobs
        .read_link(Container::Orders, &key(), "a.pdf", MediaType::Pdf)
        .url
}

async fn read(blobs: &Blobs) {
    let _ = blobs.get(Container::Orders, &key(), 10, None).await;
}

#[tokio::test]
async fn links_of_an_identity_are_signed_with_a_key_that_is_asked_for_again_in_time() {
    let (server, settings, _tasks) = serve("2026-11-26T09:55:00Z").await;
    let clock = ManualClock::at(NOW);
    let blobs = open(&settings, &clock);
    assert!(
        link(&blobs).starts_with(GATEWAY),
        "no key yet: the gateway answers"
    );
    blobs.ensure_containers().await.unwrap();
    let direct = link(&blobs);
    assert!(direct.starts_with(&settings.endpoint), "{direct}");
    for said in ["skoid=the%2Dobject", "sktid=the%2Ddirectory", "sp=r&", "sig="] {
        assert!(direct.contains(said), "{said} in {direct}");
    }
    read(&blobs).await;
    assert_eq!(server.issued.load(Ordering::SeqCst), 1, "the key is kept");

    clock.advance(Duration::from_hours(13));
    "2026-11-27T09:55:00Z".clone_into(&mut server.ends.lock().unwrap());
    read(&blobs).await;
    assert_eq!(server.issued.load(Ordering::SeqCst), 2, "less than half is left");
    clock.advance(Duration::from_hours(1));
    assert!(link(&blobs).contains("ske=2026%2D11%2D27"));
}

#[tokio::test]
async fn while_no_key_is_issued_links_go_to_the_gateway() {
    let (server, settings, _tasks) = serve("2026-11-26T09:55:00Z").await;
    let clock = ManualClock::at(NOW);
    let blobs = open(&settings, &clock);
    blobs.ensure_containers().await.unwrap();
    server.down.store(1, Ordering::SeqCst);
    clock.advance(Duration::from_hours(23));
    read(&blobs).await;
    let url = link(&blobs);
    assert!(url.starts_with(GATEWAY), "a link must not outlive its key: {url}");
}
