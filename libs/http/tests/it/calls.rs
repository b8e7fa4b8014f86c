//! Answers of any status come back as they are.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::any;
use puente_http::{Hooks, Http, HttpConfig};

use crate::support::{always, get, post, send, serve};

#[tokio::test]
async fn an_answer_comes_back_whole_and_the_request_arrives_as_given() {
    let router = Router::new().route(
        "/v1/echo",
        any(|request: Request| async move {
            let seen = request.headers().get("idempotency-key").cloned().unwrap();
            let length = request.headers().get("content-length").cloned().unwrap();
            let agent = request.headers().get("user-agent").cloned().unwrap();
            let query = request.uri().query().unwrap_or_default().to_owned();
            assert!(agent.to_str().unwrap().starts_with("puente/"));
            let body = axum::body::to_bytes(request.into_body(), 1000).await.unwrap();
            (
                StatusCode::CREATED,
                [("x-seen", seen), ("x-length", length)],
                format!("{query}|{}", body.escape_ascii()),
            )
        }),
    );
    let base = serve(router).await;
    let http = Http::new(HttpConfig::local()).unwrap();
    let mut request = post(format!("{base}/v1/echo?a=1&b=%20"));
    request.headers.insert("idempotency-key", "k-1".parse().unwrap());
    let answer = send(&http, request).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["x-seen"], "k-1");
    assert_eq!(answer.headers["x-length"], "15");
    assert_eq!(&answer.body[..], br#"a=1&b=%20|{\"text\":\"Hola\"}"#);
}

#[tokio::test]
async fn statuses_that_are_errors_pass_through() {
    for status in [401, 403, 404, 422, 429, 500, 502, 503] {
        let base = serve(always(StatusCode::from_u16(status).unwrap())).await;
        let http = Http::new(HttpConfig::local()).unwrap();
        let answer = send(&http, post(base)).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (status, &b"said"[..]));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let router = Router::new().route("/there", any(|| async { "followed" })).route(
        "/here",
        any(|| async { (StatusCode::FOUND, [("location", "/there")], "not followed") }),
    );
    let base = serve(router).await;
    let http = Http::new(HttpConfig::local()).unwrap();
    let answer = send(&http, get(format!("{base}/here"))).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (302, &b"not followed"[..])
    );
}

#[tokio::test]
async fn hints_about_limits_are_remembered_per_connection() {
    let router = Router::new().fallback(|| async {
        [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "7"),
            ("retry-after", "3"),
        ]
    });
    let base = serve(router).await;
    let http = Http::new(HttpConfig::local()).unwrap();
    let id = "acme-jelou".parse().unwrap();
    assert_eq!(http.rate_hint(&id), None);
    send(&http, post(base)).await.unwrap();
    let hint = http.rate_hint(&id).unwrap();
    assert_eq!((hint.limit, hint.remaining), (Some(100), Some(7)));
    assert_eq!(hint.retry_after, Some(std::time::Duration::from_secs(3)));
    assert_eq!(http.rate_hint(&"other".parse().unwrap()), None);
}

#[tokio::test]
async fn exchanges_are_recorded_without_credentials() {
    use puente_http::record::NdjsonRecorder;

    let router =
        Router::new().fallback(|| async { (StatusCode::ACCEPTED, [("set-cookie", "hunter2")], "é") });
    let base = serve(router).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.ndjson");
    let recorder = NdjsonRecorder::open(&path, "a test").unwrap();
    let http = Http::with_hooks(
        HttpConfig::local(),
        Hooks {
            recorder: Some(Arc::new(recorder)),
            ..Hooks::default()
        },
    )
    .unwrap();
    let mut request = post(format!("{base}/v1/messages?fields=id&access_token=hunter2"));
    for name in ["authorization", "x-api-key", "token", "apikey"] {
        request.headers.insert(name, "hunter2".parse().unwrap());
    }
    request.headers.insert("idempotency-key", "k-1".parse().unwrap());
    send(&http, request).await.unwrap();
    send(&http, get(format!("{base}/v1/templates"))).await.unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second] = &lines[..] else {
        panic!("two exchanges, a line each")
    };
    assert_eq!(first["provider"], "jelou");
    assert_eq!(first["method"], "POST");
    assert_eq!(
        first["url"],
        format!("{base}/v1/messages?fields=id&access_token=*")
    );
    assert_eq!(first["request_headers"]["idempotency-key"], "k-1");
    assert_eq!(first["request_body_base64"], "eyJ0ZXh0IjoiSG9sYSJ9");
    assert_eq!(first["status"], 202);
    assert_eq!(first["response_body_base64"], "w6k=");
    assert_eq!(first["test"], "a test");
    assert_eq!(second["request_body_base64"], "");
}
