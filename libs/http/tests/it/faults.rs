//! What a fault means: the provider surely did not act, or it may have.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures::stream;
use puente_http::{Http, HttpConfig};
use puente_ports::{Outbound as _, ProviderError, ProviderErrorKind};
use tokio::net::TcpListener;

use crate::support::{connection, cuts_after, get, nowhere, post, send, serve};

fn is_unavailable(error: &ProviderError) -> bool {
    matches!(error.kind(), ProviderErrorKind::Unavailable { .. })
}

fn is_unknown(error: &ProviderError) -> bool {
    matches!(error.kind(), ProviderErrorKind::OutcomeUnknown)
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_unavailable() {
    let (_kept, base) = nowhere();
    let error = send(&Http::new(HttpConfig::local()).unwrap(), post(base))
        .await
        .unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert_eq!(error.code(), "connection_refused");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unavailable() {
    let config = HttpConfig {
        connect_timeout: Duration::from_secs(1),
        ..HttpConfig::local()
    };
    let error = send(&Http::new(config).unwrap(), post("https://nowhere.invalid/"))
        .await
        .unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert!(
        ["dns_failed", "connect_timeout"].contains(&error.code()),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_unavailable_over_https() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Held open until the client gives up.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    });
    let http = Http::new(HttpConfig::local()).unwrap();
    let error = send(&http, post(plain)).await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert_eq!(error.code(), "tls_failed");
}

#[tokio::test]
async fn a_connection_that_is_never_made_is_unavailable() {
    // The kernel connects, but TLS waits for an answer that never comes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("https://{}", listener.local_addr().unwrap());
    let config = HttpConfig {
        connect_timeout: Duration::from_millis(50),
        ..HttpConfig::local()
    };
    let error = send(&Http::new(config).unwrap(), post(silent)).await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert_eq!(error.code(), "connect_timeout");
    drop(listener);
}

#[tokio::test]
async fn no_answer_within_the_deadline_leaves_the_outcome_unknown() {
    let router = Router::new().fallback(|| async { std::future::pending::<StatusCode>().await });
    let base = serve(router).await;
    let http = Http::new(HttpConfig::local()).unwrap();
    let error = http
        .send(&connection("a"), post(base), Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(is_unknown(&error), "{error}");
    assert_eq!(error.code(), "timeout");
}

#[tokio::test]
async fn a_body_that_never_ends_meets_the_deadline() {
    let router = Router::new().fallback(|| async {
        let pieces = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        Response::new(Body::from_stream(pieces))
    });
    let base = serve(router).await;
    let http = Http::new(HttpConfig::local()).unwrap();
    let error = http
        .send(&connection("a"), post(base), Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(is_unknown(&error), "{error}");
    assert_eq!(error.code(), "timeout");
}

#[tokio::test]
async fn the_installation_bounds_every_deadline() {
    let router = Router::new().fallback(|| async { std::future::pending::<StatusCode>().await });
    let base = serve(router).await;
    let config = HttpConfig {
        longest_deadline: Duration::from_millis(50),
        ..HttpConfig::local()
    };
    let error = send(&Http::new(config).unwrap(), post(base)).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
}

#[tokio::test]
async fn a_cut_before_the_answer_leaves_the_outcome_unknown() {
    let base = cuts_after(b"").await;
    let error = send(&Http::new(HttpConfig::local()).unwrap(), post(base))
        .await
        .unwrap_err();
    assert!(is_unknown(&error), "{error}");
    assert_eq!(error.code(), "connection_cut");
}

#[tokio::test]
async fn a_cut_within_the_answer_leaves_the_outcome_unknown() {
    for part in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"messageId\":"[..],
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain",
        b"garbage\r\n\r\n",
    ] {
        let base = cuts_after(part).await;
        let error = send(&Http::new(HttpConfig::local()).unwrap(), post(base))
            .await
            .unwrap_err();
        assert!(is_unknown(&error), "{error} after {}", part.escape_ascii());
    }
}

fn endless(status: StatusCode) -> Router {
    Router::new().fallback(move || async move {
        let pieces = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 8192])));
        Response::builder()
            .status(status)
            .body(Body::from_stream(pieces))
            .unwrap()
    })
}

#[tokio::test]
async fn a_huge_answer_is_cut_and_what_it_means_depends_on_what_was_asked() {
    let config = HttpConfig {
        max_response_bytes: 100_000,
        ..HttpConfig::local()
    };
    let ok = serve(endless(StatusCode::OK)).await;
    let refused = serve(endless(StatusCode::BAD_REQUEST)).await;
    let http = Http::new(config).unwrap();
    let read = send(&http, get(ok.clone())).await.unwrap_err();
    assert_eq!(
        (read.kind(), read.code()),
        (&ProviderErrorKind::Malformed, "response_too_large")
    );
    let rejected = send(&http, post(refused)).await.unwrap_err();
    assert_eq!(rejected.kind(), &ProviderErrorKind::Malformed);
    let sent = send(&http, post(ok)).await.unwrap_err();
    assert_eq!(
        (sent.kind(), sent.code()),
        (&ProviderErrorKind::OutcomeUnknown, "response_too_large")
    );
}

#[tokio::test]
async fn an_answer_of_just_the_largest_size_is_read() {
    let router = Router::new().fallback(|| async { "x".repeat(1000) });
    let base = serve(router).await;
    let exact = HttpConfig {
        max_response_bytes: 1000,
        ..HttpConfig::local()
    };
    assert_eq!(
        send(&Http::new(exact).unwrap(), get(&base))
            .await
            .unwrap()
            .body
            .len(),
        1000
    );
    let below = HttpConfig {
        max_response_bytes: 999,
        ..HttpConfig::local()
    };
    assert_eq!(
        send(&Http::new(below).unwrap(), get(&base))
            .await
            .unwrap_err()
            .code(),
        "response_too_large"
    );
}
