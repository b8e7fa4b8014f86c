//! Files of messages: from the person's phone to our hands, over real connections.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use http::Method;
use puente_http::{Http, HttpConfig};
use puente_ports::{
    CallCtx, Connection, InboundPayload, MEDIA_GONE, MEDIA_TOO_LARGE, MediaFile, Outbound, OutboundRequest,
    ProviderError, ProviderErrorKind,
};
use puente_providers::find;
use puente_providers::sim::{FaultKind, Hub, Inbound};
use serde_json::json;
use tokio::net::TcpListener;

use super::stage::{Stage, arrived, events, open_stage};
use crate::support::{DEADLINE, Script, Setup, answer};

const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a photo of a plate";
const SLUGS: [&str; 2] = ["whatsapp_cloud", "jelou"];

fn ctx<'a>(connection: &'a Connection, http: &'a dyn Outbound) -> CallCtx<'a> {
    CallCtx {
        connection,
        http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent: None,
    }
}

async fn fetch(
    slug: &str,
    connection: &Connection,
    http: &dyn Outbound,
    file: &MediaFile,
    max_bytes: usize,
) -> Result<Bytes, ProviderError> {
    let channel = find(slug).unwrap().message().unwrap();
    channel.media(ctx(connection, http), file, max_bytes).await
}

/// A person sends the photo; the file as our webhook names it, and its declared digest.
fn received(stage: &Stage, hub: &Hub, slug: &str, id: &str) -> (MediaFile, String) {
    let account = Setup::of(slug).account;
    let message = Inbound::image(&account, "573001234567", id, "placa");
    let provider = find(slug).unwrap();
    let webhook = hub.webhook(slug, &message).unwrap();
    let told = events(provider, &stage.connection(slug), hub, arrived(&webhook));
    let InboundPayload::Message(message) = &told.first().unwrap().payload else {
        panic!("{told:?}")
    };
    let media = message.media.clone().expect("the message has a file");
    let file = MediaFile {
        id: media.provider_media_id,
        url: media.url,
    };
    (file, media.sha256)
}

fn put(stage: &Stage, slug: &str) {
    let mut account = Stage::account(slug);
    account.webhook_url = Some("https://hooks.example.test/webhooks".to_owned());
    stage.hub.put_account(slug, account);
}

#[tokio::test]
async fn a_photo_that_a_person_sends_is_fetched_as_it_was_sent() {
    let stage = open_stage!();
    for slug in SLUGS {
        put(&stage, slug);
        let id = stage.hub.put_media(slug, PHOTO, "image/jpeg");
        let (file, sha256) = received(&stage, &stage.hub, slug, &id);
        let connection = stage.connection(slug);
        let bytes = fetch(slug, &connection, &stage.http, &file, 1000).await.unwrap();
        assert_eq!(bytes, PHOTO, "{slug}");
        assert_eq!(stage.hub.media_fetches(slug, &id), 1, "{slug}");
        if slug == "whatsapp_cloud" {
            use sha2::Digest as _;
            assert_eq!(sha256, hex::encode(sha2::Sha256::digest(PHOTO)));
        }
        let error = fetch(slug, &connection, &stage.http, &file, PHOTO.len() - 1)
            .await
            .expect_err(slug);
        assert_eq!(
            (error.kind(), error.code()),
            (&ProviderErrorKind::Rejected, MEDIA_TOO_LARGE)
        );
        assert!(
            fetch(slug, &connection, &stage.http, &file, PHOTO.len())
                .await
                .is_ok()
        );
        assert!(stage.hub.journal(slug).is_empty(), "a file is no message");
    }
}

#[tokio::test]
async fn a_file_that_the_vendor_dropped_is_gone_and_trouble_that_passes_is_not() {
    let stage = open_stage!();
    for slug in SLUGS {
        put(&stage, slug);
        let id = stage.hub.put_media(slug, PHOTO, "image/jpeg");
        let (file, _) = received(&stage, &stage.hub, slug, &id);
        let connection = stage.connection(slug);
        for fault in [
            FaultKind::Status {
                status: 500,
                body: None,
            },
            FaultKind::CutBefore,
            FaultKind::CutAfter,
        ] {
            stage.hub.fault(slug, fault.times(1));
            let error = fetch(slug, &connection, &stage.http, &file, 1000)
                .await
                .expect_err(slug);
            assert!(
                matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
                "{slug}: {error}"
            );
        }
        stage.hub.fault(
            slug,
            FaultKind::RateLimit {
                retry_after_s: Some(9),
            }
            .times(1),
        );
        let error = fetch(slug, &connection, &stage.http, &file, 1000)
            .await
            .expect_err(slug);
        assert!(
            matches!(error.kind(), ProviderErrorKind::RateLimited { .. }),
            "{slug}: {error}"
        );
        assert!(
            fetch(slug, &connection, &stage.http, &file, 1000).await.is_ok(),
            "{slug}"
        );
        let path = format!("media/{id}");
        assert_eq!(stage.control(Method::DELETE, slug, &path, json!({})).await.0, 200);
        let error = fetch(slug, &connection, &stage.http, &file, 1000)
            .await
            .expect_err(slug);
        assert_eq!(
            (error.kind(), error.code()),
            (&ProviderErrorKind::Rejected, MEDIA_GONE),
            "{slug}"
        );
    }
}

#[tokio::test]
async fn a_link_ends_after_its_time() {
    let stage = open_stage!();
    for slug in SLUGS {
        let mut account = Stage::account(slug).with_setting("media_url_life_s", "0");
        account.webhook_url = Some("https://hooks.example.test/webhooks".to_owned());
        stage.hub.put_account(slug, account);
        let id = stage.hub.put_media(slug, PHOTO, "image/jpeg");
        let (file, _) = received(&stage, &stage.hub, slug, &id);
        let connection = stage.connection(slug);
        // Meta is asked for a second link, which has ended as well; Jelou's cannot be asked for.
        let error = fetch(slug, &connection, &stage.http, &file, 1000)
            .await
            .expect_err(slug);
        assert_eq!(error.code(), MEDIA_GONE, "{slug}");
        assert_eq!(stage.hub.media_fetches(slug, &id), 0);
    }
}

#[tokio::test]
async fn metas_files_are_for_who_brings_the_token_and_no_other() {
    let stage = open_stage!();
    let slug = "whatsapp_cloud";
    put(&stage, slug);
    let id = stage.hub.put_media(slug, PHOTO, "image/jpeg");
    let connection = stage.connection(slug);
    let get = |url: String, headers: HeaderMap| {
        let request = OutboundRequest {
            operation: "test",
            method: Method::GET,
            url,
            headers,
            body: Bytes::new(),
        };
        stage.http.send(&connection, request, DEADLINE)
    };
    let bearer = HeaderMap::from_iter([(
        header::AUTHORIZATION,
        "Bearer fixture-access-token".parse().unwrap(),
    )]);
    let place = get(stage.url(slug, &format!("/v23.0/{id}")), bearer.clone())
        .await
        .unwrap();
    let place: serde_json::Value = serde_json::from_slice(&place.body).unwrap();
    let url = place["url"].as_str().unwrap().to_owned();
    assert_eq!(place["file_size"], PHOTO.len().to_string());
    assert_eq!(get(url.clone(), HeaderMap::new()).await.unwrap().status, 401);
    assert_eq!(get(url.clone(), bearer.clone()).await.unwrap().body, PHOTO);
    let forged = url.replace("ext=", "ext=9");
    assert_eq!(get(forged, bearer).await.unwrap().status, 404);
}

/// A server that plays a file store: redirects, and tells whether it was given a credential.
async fn store(target: impl Fn() -> String + Send + Sync + 'static) -> String {
    let target = Arc::new(target);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let go = move || {
        let to = target();
        async move { (StatusCode::FOUND, [(header::LOCATION, to)]).into_response() }
    };
    let tell = |headers: HeaderMap| async move {
        let told = headers.contains_key(header::AUTHORIZATION);
        if told { "with a credential" } else { "without" }
    };
    let router = Router::new().route("/go", get(go)).route("/tell", get(tell));
    #[expect(clippy::disallowed_methods, reason = "tests have no Runtime to spawn on")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn at(url: String) -> MediaFile {
    MediaFile {
        id: String::new(),
        url,
    }
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_allowed_hosts_and_nowhere_else() {
    let http = Http::new(HttpConfig::local()).unwrap();
    let stranger = store(String::new).await;
    let to_stranger = format!("{stranger}/tell");
    let leads_away = store(move || to_stranger.clone()).await;
    let stays = store(|| "/tell".to_owned()).await;
    let circles = store(|| "/go".to_owned()).await;
    for slug in SLUGS {
        let mut connection = Setup::of(slug).connection(slug);
        let mut go = async |base: &str, path: &str| {
            connection.settings.insert("base_url".to_owned(), base.into());
            fetch(slug, &connection, &http, &at(format!("{base}{path}")), 1000).await
        };
        let told = go(&stays, "/go").await.unwrap();
        let expected: &[u8] = if slug == "jelou" {
            b"without"
        } else {
            b"with a credential"
        };
        assert_eq!(told, expected, "{slug}");
        let error = go(&leads_away, "/go").await.expect_err(slug);
        assert_eq!(error.code(), "media_host_refused", "{slug}");
        let error = go(&circles, "/go").await.expect_err(slug);
        assert_eq!(*error.kind(), ProviderErrorKind::Malformed, "{slug}");
        connection.settings.remove("base_url");
        let error = fetch(slug, &connection, &http, &at(format!("{stranger}/tell")), 1000).await;
        assert_eq!(error.expect_err(slug).code(), "media_host_refused", "{slug}");
    }
}

#[tokio::test]
async fn addresses_of_this_machine_are_refused_at_every_step_whatever_the_settings_say() {
    // As in production: only https, and public addresses.
    let http = Http::new(HttpConfig::default()).unwrap();
    for slug in SLUGS {
        for target in [
            "http://127.0.0.1:9/x",
            "https://169.254.169.254/latest",
            "https://[::1]/x",
            "https://10.0.0.7/x",
        ] {
            let base = target.rsplit_once('/').unwrap().0;
            let mut connection = Setup::of(slug).connection(slug);
            connection.settings.insert("base_url".to_owned(), base.into());
            let error = fetch(slug, &connection, &http, &at(target.to_owned()), 1000)
                .await
                .expect_err(slug);
            let refused = ["address_refused", "url_insecure", "connection_refused"];
            assert!(
                refused.contains(&error.code()) && error.code() != "connection_refused",
                "{slug} {target}: {error}"
            );
        }
        // The first step is a host of the vendor's, the second one is not.
        let vendor = if slug == "jelou" {
            "https://files.jelou.ai/a"
        } else {
            "https://lookaside.fbsbx.com/a"
        };
        for to in [
            "https://127.0.0.1/x",
            "http://files.jelou.ai/x",
            "https://evil.test/x",
            "//evil.test/x",
            "file:///etc/passwd",
            "",
        ] {
            let script = Script::answering([Ok(answer(302, &[("location", to)], ""))]);
            let connection = Setup::of(slug).connection(slug);
            let error = fetch(slug, &connection, &script, &at(vendor.to_owned()), 1000)
                .await
                .expect_err(slug);
            assert!(
                ["media_host_refused", "malformed"].contains(&error.code()),
                "{slug} {to}: {error}"
            );
            assert_eq!(script.sent.lock().unwrap().len(), 1, "{slug} {to}");
        }
    }
}

#[tokio::test]
async fn jelous_files_never_see_our_key_pair_and_metas_token_goes_to_meta_alone() {
    let connection = Setup::of("jelou").connection("jelou");
    let script = Script::answering([Ok(answer(200, &[], "bytes"))]);
    let file = at("https://cdn.jelou.ai/a.jpg?sig=1".to_owned());
    fetch("jelou", &connection, &script, &file, 1000).await.unwrap();
    assert!(script.sent.lock().unwrap()[0].headers.is_empty());
    let connection = Setup::of("whatsapp_cloud").connection("whatsapp_cloud");
    let place = |url: &str| format!(r#"{{"url":"{url}","sha256":"","file_size":5,"id":"1"}}"#);
    let file = MediaFile {
        id: "1003383421387256".to_owned(),
        url: "https://evil.test/x".to_owned(),
    };
    let script = Script::answering([Ok(answer(
        200,
        &[],
        &place("https://evil.test/attachments/?mid=1"),
    ))]);
    let error = fetch("whatsapp_cloud", &connection, &script, &file, 1000)
        .await
        .expect_err("evil");
    assert_eq!(error.code(), "media_host_refused");
    assert_eq!(script.sent.lock().unwrap().len(), 1);
    let good = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1";
    let script = Script::answering([
        Ok(answer(200, &[], &place(good))),
        Ok(answer(404, &[], "")),
        Ok(answer(200, &[], &place(good))),
        Ok(answer(200, &[], "bytes")),
    ]);
    let bytes = fetch("whatsapp_cloud", &connection, &script, &file, 1000)
        .await
        .unwrap();
    assert_eq!(bytes, "bytes".as_bytes());
    let sent = script.sent.lock().unwrap();
    assert_eq!(
        sent[0].url,
        "https://graph.facebook.com/v23.0/1003383421387256?phone_number_id=106540352242922"
    );
    assert_eq!(sent[1].url, good, "a link that had ended is asked for once more");
    assert!(
        sent.iter()
            .all(|request| request.headers["authorization"] == "Bearer fixture-access-token")
    );
}

#[tokio::test]
async fn metas_answers_about_files_are_classified() {
    let connection = Setup::of("whatsapp_cloud").connection("whatsapp_cloud");
    let file = MediaFile {
        id: "1003383421387256".to_owned(),
        url: String::new(),
    };
    let unknown = r#"{"error":{"message":"Unsupported get request.","type":"GraphMethodException","code":100,"error_subcode":33}}"#;
    let declared = r#"{"url":"https://lookaside.fbsbx.com/a","sha256":"4a27c8b3b1f4ab93b1f4ab93b1f4ab93b1f4ab93b1f4ab93b1f4ab93b1f4ab93","file_size":"5"}"#;
    let large = r#"{"url":"https://lookaside.fbsbx.com/a","file_size":"303833"}"#;
    let expired = r#"{"error":{"message":"Session has expired","type":"OAuthException","code":190,"error_subcode":463}}"#;
    for (status, body, then, code) in [
        (400, unknown, None, MEDIA_GONE),
        (404, "", None, MEDIA_GONE),
        (200, large, None, MEDIA_TOO_LARGE),
        (200, declared, Some("other bytes"), "media_damaged"),
        (200, "{}", None, "malformed"),
        (401, expired, None, "190"),
        (500, "", None, "http_500"),
    ] {
        let answers = [Ok(answer(status, &[], body))];
        let script = Script::answering(
            answers
                .into_iter()
                .chain(then.map(|body| Ok(answer(200, &[], body)))),
        );
        let error = fetch("whatsapp_cloud", &connection, &script, &file, 1000)
            .await
            .expect_err(code);
        assert_eq!(error.code(), code, "{status} {body}");
        assert_ne!(
            *error.kind(),
            ProviderErrorKind::OutcomeUnknown,
            "a question is never in doubt"
        );
    }
    let script = Script::default();
    let odd = MediaFile {
        id: "../me".to_owned(),
        url: String::new(),
    };
    let error = fetch("whatsapp_cloud", &connection, &script, &odd, 1000)
        .await
        .expect_err("odd");
    assert_eq!(error.code(), MEDIA_GONE);
}

#[tokio::test]
async fn files_are_put_listed_and_dropped_by_control_paths_too() {
    let stage = open_stage!();
    for slug in SLUGS {
        put(&stage, slug);
        let body = json!({"not": "a picture"});
        let (status, kept) = stage.control(Method::POST, slug, "media", body.clone()).await;
        assert_eq!(
            (status, kept["bytes"].as_u64()),
            (200, Some(body.to_string().len() as u64)),
            "{slug}"
        );
        let id = kept["id"].as_str().unwrap();
        let listed = stage.control(Method::GET, slug, "media", json!({})).await.1;
        assert_eq!(listed["files"][0]["id"], id, "{slug}");
        stage.hub.reset(slug);
        assert_eq!(stage.hub.media_fetches(slug, id), 0, "{slug}");
        let listed = stage.control(Method::GET, slug, "media", json!({})).await.1;
        assert_eq!(listed["files"], json!([]), "{slug}");
    }
}
