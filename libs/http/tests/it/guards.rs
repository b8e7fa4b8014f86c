//! Where calls may go, and how often.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use puente_http::{Http, HttpConfig};
use puente_ports::{Outbound as _, ProviderErrorKind};

use crate::support::{always, connection, get, post, send, serve};

#[tokio::test]
async fn names_that_lead_to_this_machine_are_refused_when_resolved() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let router =
        Router::new().fallback(move || async move { counted.fetch_add(1, Ordering::SeqCst).to_string() });
    let base = serve(router).await;
    let named = base.replace("127.0.0.1", "localhost");
    let http = Http::new(HttpConfig {
        allow_plain_http: true,
        ..HttpConfig::default()
    })
    .unwrap();
    for _ in 0..10 {
        let error = send(&http, post(&named)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (&ProviderErrorKind::Configuration, "address_refused")
        );
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let state = http.breaker("jelou", &"acme-jelou".parse().unwrap()).state();
    assert_eq!(
        state.as_str(),
        "closed",
        "our own refusal says nothing about the provider"
    );
    let local = Http::new(HttpConfig::local()).unwrap();
    assert_eq!(send(&local, post(&named)).await.unwrap().status, 200);
}

#[tokio::test]
async fn literal_private_addresses_and_plain_http_are_refused_before_any_connection() {
    let base = serve(always(StatusCode::OK)).await;
    let http = Http::new(HttpConfig::default()).unwrap();
    assert_eq!(
        send(&http, post(&base)).await.unwrap_err().code(),
        "address_refused"
    );
    assert_eq!(
        send(&http, post("http://example.com/")).await.unwrap_err().code(),
        "url_insecure"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_our_own_fault() {
    let http = Http::new(HttpConfig::local()).unwrap();
    assert_eq!(
        send(&http, post("not a url")).await.unwrap_err().kind(),
        &ProviderErrorKind::Configuration
    );
}

fn slow_reads() -> HttpConfig {
    HttpConfig {
        reads_per_second: NonZeroU32::MIN,
        read_burst: NonZeroU32::MIN,
        ..HttpConfig::local()
    }
}

#[tokio::test]
async fn a_burst_of_reads_waits_for_its_turn_and_writes_do_not() {
    let base = serve(always(StatusCode::OK)).await;
    let http = Http::new(slow_reads()).unwrap();
    let started = std::time::Instant::now();
    send(&http, get(&base)).await.unwrap();
    let too_soon = http
        .send(&connection("acme-jelou"), get(&base), Duration::from_millis(10))
        .await
        .unwrap_err();
    assert!(
        matches!(
            too_soon.kind(),
            ProviderErrorKind::RateLimited { retry_after: Some(_) }
        ),
        "{too_soon}"
    );
    assert_eq!(too_soon.code(), "reads_limited");
    send(&http, post(&base)).await.unwrap();
    http.send(&connection("other"), get(&base), Duration::from_secs(5))
        .await
        .unwrap();
    send(&http, get(&base)).await.unwrap();
    assert!(
        started.elapsed() >= Duration::from_millis(990),
        "it waited for its turn"
    );
}
