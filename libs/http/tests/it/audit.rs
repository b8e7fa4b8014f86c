//! Every call leaves one record, and no record holds a secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use bytes::Bytes;
use puente_http::HttpConfig;
use puente_ports::{ErrorClass, Outbound as _};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::{always, audited, connection, post, send, serve};

#[tokio::test]
async fn every_call_is_recorded_once_with_what_came_of_it() {
    let (http, records) = audited(HttpConfig::local());
    let ok = serve(always(StatusCode::OK)).await;
    let limited = serve(always(StatusCode::TOO_MANY_REQUESTS)).await;
    let silent = serve(Router::new().fallback(|| async { std::future::pending::<StatusCode>().await })).await;
    send(&http, post(format!("{ok}/v1/bots/123456/messages?token=hunter2")))
        .await
        .unwrap();
    send(&http, post(&limited)).await.unwrap();
    http.send(
        &connection("acme-jelou"),
        post(&silent),
        Duration::from_millis(30),
    )
    .await
    .unwrap_err();
    send(&http, post("ftp://x.example/")).await.unwrap_err();

    let records = records.0.lock().unwrap();
    let [first, second, third, fourth] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (first.provider.as_str(), first.operation, first.method.as_str()),
        ("jelou", "messages.send", "POST")
    );
    assert_eq!(
        (first.tenant.as_str(), first.connection.as_str()),
        ("acme", "acme-jelou")
    );
    assert_eq!(
        (first.host.as_str(), first.path.as_str()),
        ("127.0.0.1", "/v1/bots/*/messages")
    );
    assert_eq!(
        (
            first.status,
            first.error,
            first.request_bytes,
            first.response_bytes
        ),
        (Some(200), None, 15, 4)
    );
    assert_eq!(
        (second.status, second.error),
        (Some(429), Some(ErrorClass::RateLimited))
    );
    assert_eq!(second.error_code.as_deref(), Some("http_429"));
    assert_eq!((third.status, third.error), (None, Some(ErrorClass::Timeout)));
    assert!(third.duration >= Duration::from_millis(30));
    assert_eq!(fourth.error_code.as_deref(), Some("url_insecure"));
}

/// Collects what would be logged.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn install(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

#[tokio::test]
async fn no_secret_no_body_and_no_query_reaches_the_log_at_any_level() {
    let logged = Captured::default();
    let _guard = logged.install();
    let (http, records) = audited(HttpConfig::local());
    let echo =
        serve(Router::new().fallback(|body: Bytes| async move { (StatusCode::BAD_REQUEST, body) })).await;
    let gone = "http://127.0.0.1:1";
    for base in [echo.as_str(), gone, "https://nowhere.invalid", "ftp://x.example"] {
        let mut request = post(format!(
            "{base}/v1/hunter2Hunter2HUNTER2/573001234567/ana%40example.com?access_token=hunter2"
        ));
        request
            .headers
            .insert("authorization", "Bearer hunter2".parse().unwrap());
        request.headers.insert("x-api-key", "hunter2".parse().unwrap());
        request.headers.insert("x-of-our-own", "hunter2".parse().unwrap());
        request.body = Bytes::from_static(br#"{"to":"573001234567","text":"secreto"}"#);
        let result = send(&http, request).await;
        let shown = format!("{:?}", result.as_ref().err());
        assert!(!shown.contains("hunter2") && !shown.contains("57300"), "{shown}");
    }
    let text = logged.text();
    assert_eq!(
        text.matches("puente_http::audit").count(),
        4,
        "each call was logged"
    );
    for secret in [
        "hunter2",
        "HUNTER2",
        "573001234567",
        "secreto",
        "access_token",
        "example.com",
    ] {
        assert!(!text.contains(secret), "`{secret}` in {text}");
    }
    assert!(!format!("{:?}", records.0.lock().unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn the_log_event_and_the_span_say_what_was_called() {
    let logged = Captured::default();
    let _guard = logged.install();
    let (http, _) = audited(HttpConfig::local());
    let base = serve(always(StatusCode::INTERNAL_SERVER_ERROR)).await;
    send(&http, post(format!("{base}/v1/bots/12/messages")))
        .await
        .unwrap();
    let text = logged.text();
    let ours: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["target"] == "puente_http::audit")
        .collect();
    let [event] = &ours[..] else {
        panic!("one event a call: {text}")
    };
    let fields = &event["fields"];
    assert_eq!(event["level"], "WARN");
    for (key, value) in [
        ("provider", "jelou"),
        ("connection.id", "acme-jelou"),
        ("tenant.id", "acme"),
        ("operation", "messages.send"),
        ("http.method", "POST"),
        ("url.host", "127.0.0.1"),
        ("url.path", "/v1/bots/*/messages"),
        ("error.class", "server"),
        ("error.code", "http_500"),
    ] {
        assert_eq!(fields[key], value, "{key}");
    }
    assert_eq!(
        (&fields["status"], &fields["request_bytes"]),
        (&500.into(), &15.into())
    );
    assert!(fields["duration_ms"].is_u64() && fields["response_bytes"].is_u64());
    assert_eq!(event["span"]["name"], "provider.call");
    assert_eq!(event["span"]["status"], 500);
}

#[tokio::test]
async fn little_left_of_a_quota_is_warned_about_once() {
    let logged = Captured::default();
    let _guard = logged.install();
    let (http, _) = audited(HttpConfig::local());
    let left = Arc::new(Mutex::new(vec!["5", "12", "90", "19", "20", "50"]));
    let base = serve(Router::new().fallback(move || async move {
        let left = left.lock().unwrap().pop().unwrap();
        [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", left)]
    }))
    .await;
    for warnings in [0, 0, 1, 1, 2, 2] {
        send(&http, post(&base)).await.unwrap();
        assert_eq!(logged.text().matches("less than a fifth").count(), warnings);
    }
}
