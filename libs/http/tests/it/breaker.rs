//! The breaker as callers meet it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use puente_http::breaker::{State, Thresholds};
use puente_http::{Http, HttpConfig};
use puente_ports::{Outbound as _, ProviderErrorKind};

use crate::support::{PATIENT, connection, nowhere, post, send, serve};

/// A server whose status can be changed, and which counts its calls.
struct Moody {
    base: String,
    status: Arc<AtomicU16>,
    calls: Arc<AtomicU32>,
}

async fn moody(status: u16) -> Moody {
    let (status, calls) = (Arc::new(AtomicU16::new(status)), Arc::new(AtomicU32::new(0)));
    let (answer, counted) = (status.clone(), calls.clone());
    let router = Router::new().fallback(move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap()
    });
    Moody {
        base: serve(router).await,
        status,
        calls,
    }
}

fn client(open_for: Duration) -> Http {
    let breaker = Thresholds {
        open_for,
        ..Thresholds::default()
    };
    Http::new(HttpConfig {
        breaker,
        ..HttpConfig::local()
    })
    .unwrap()
}

#[tokio::test]
async fn a_failing_provider_is_no_longer_called() {
    let server = moody(500).await;
    // Longer than the test, however slow the machine is.
    let pause = Duration::from_secs(60);
    let http = client(pause);
    let breaker = http.breaker("jelou", &"acme-jelou".parse().unwrap());
    for _ in 0..5 {
        assert_eq!(send(&http, post(&server.base)).await.unwrap().status, 500);
    }
    assert_eq!(breaker.state(), State::Open);
    let error = send(&http, post(&server.base)).await.unwrap_err();
    assert_eq!(error.code(), "breaker_open");
    let ProviderErrorKind::Unavailable {
        retry_after: Some(wait),
    } = error.kind()
    else {
        panic!("{error}")
    };
    assert!(*wait <= pause);
    assert_eq!(server.calls.load(Ordering::SeqCst), 5, "nothing was called");
    assert!(
        http.breakers()
            .iter()
            .any(|breaker| breaker.provider == "jelou" && breaker.state == State::Open)
    );
    // Other connections are not held back.
    let other = http.send(&connection("other"), post(&server.base), PATIENT).await;
    assert_eq!(other.unwrap().status, 500);
}

#[tokio::test]
async fn after_the_pause_a_probe_that_succeeds_closes_it_again() {
    let server = moody(500).await;
    let http = client(Duration::from_millis(400));
    let breaker = http.breaker("jelou", &"acme-jelou".parse().unwrap());
    for _ in 0..5 {
        assert_eq!(send(&http, post(&server.base)).await.unwrap().status, 500);
    }
    server.status.store(200, Ordering::SeqCst);
    while let Err(wait) = breaker.ready() {
        tokio::time::sleep(wait).await;
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(send(&http, post(&server.base)).await.unwrap().status, 200);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn of_many_calls_after_the_pause_one_probes_and_its_failure_opens_again() {
    let server = moody(503).await;
    // The next pause is twice as long: it must not be over when it is looked at below.
    let http = client(Duration::from_millis(1_500));
    let breaker = http.breaker("jelou", &"acme-jelou".parse().unwrap());
    for _ in 0..5 {
        send(&http, post(&server.base)).await.unwrap();
    }
    while let Err(wait) = breaker.ready() {
        tokio::time::sleep(wait).await;
    }
    let results = futures::future::join_all((0..20).map(|_| send(&http, post(&server.base)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(server.calls.load(Ordering::SeqCst), 6);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn refusals_and_rate_limits_are_no_failures() {
    let http = client(Duration::from_secs(10));
    for status in [400, 401, 404, 422, 429] {
        let server = moody(status).await;
        for _ in 0..30 {
            send(&http, post(&server.base)).await.unwrap();
        }
    }
    assert_eq!(
        http.breaker("jelou", &"acme-jelou".parse().unwrap()).state(),
        State::Closed
    );
}

#[tokio::test]
async fn refused_connections_and_timeouts_open_it() {
    let (_kept, gone) = nowhere();
    let http = client(Duration::from_secs(10));
    for _ in 0..5 {
        assert_eq!(
            send(&http, post(&gone)).await.unwrap_err().code(),
            "connection_refused"
        );
    }
    assert_eq!(send(&http, post(&gone)).await.unwrap_err().code(), "breaker_open");

    let silent = serve(Router::new().fallback(|| async { std::future::pending::<StatusCode>().await })).await;
    for _ in 0..5 {
        let error = http
            .send(&connection("b"), post(&silent), Duration::from_millis(20))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "timeout");
    }
    let error = http
        .send(&connection("b"), post(&silent), PATIENT)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "breaker_open");
}

#[tokio::test]
async fn a_probe_whose_caller_goes_away_does_not_block_the_next() {
    let server = moody(500).await;
    let silent = serve(Router::new().fallback(|| async { std::future::pending::<StatusCode>().await })).await;
    let http = client(Duration::from_millis(50));
    let breaker = http.breaker("jelou", &"acme-jelou".parse().unwrap());
    for _ in 0..5 {
        send(&http, post(&server.base)).await.unwrap();
    }
    while let Err(wait) = breaker.ready() {
        tokio::time::sleep(wait).await;
    }
    let given_up = tokio::time::timeout(Duration::from_millis(50), send(&http, post(&silent))).await;
    assert!(given_up.is_err());
    server.status.store(200, Ordering::SeqCst);
    assert_eq!(send(&http, post(&server.base)).await.unwrap().status, 200);
    assert_eq!(breaker.state(), State::Closed);
}
