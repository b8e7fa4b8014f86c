//! What is too much, too slow, or not for here.

use std::time::Duration;

use puente_service::Overrides;
use reqwest::{Body, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, message, refusal, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_of_another_type_or_at_no_address_are_refused_with_a_word_for_programs() {
    let ingress = start(|o| o).await;
    let large = vec![b' '; 3 * 1024 * 1024 + 512 * 1024];
    let declared = ingress.post(PATH, &[], large.clone()).await;
    assert_eq!(
        refusal(declared).await,
        (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large".into())
    );
    let chunks = futures::stream::iter(
        large
            .chunks(64 * 1024)
            .map(|c| Ok::<_, std::io::Error>(c.to_vec()))
            .collect::<Vec<_>>(),
    );
    let chunked = ingress
        .http
        .post(ingress.url(PATH))
        .header("content-type", "application/json")
        .body(Body::wrap_stream(chunks))
        .send()
        .await;
    assert_eq!(chunked.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let xml = ingress
        .http
        .post(ingress.url(PATH))
        .header("content-type", "text/xml")
        .body("<a/>")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(xml).await,
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_type".into()
        )
    );
    for nowhere in [
        "/webhooks/nobody",
        "/webhooks/whatsapp_cloud/no-such",
        "/webhooks/jelou/algesta-wa",
        "/x",
        "/webhooks/whatsapp_cloud/UPPER",
    ] {
        let answer = ingress.post(nowhere, &[], "{}").await;
        assert_eq!(
            refusal(answer).await,
            (StatusCode::NOT_FOUND, "unknown_address".into()),
            "{nowhere}"
        );
    }
    let method = ingress.http.delete(ingress.url(PATH)).send().await.unwrap();
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ingress.events().await, []);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_in_time_is_given_up() {
    let ingress = start(|o| o.set("read_timeout_ms", 200)).await;
    let mut slow = tokio::net::TcpStream::connect(ingress.address).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), slow.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow"),
        "{answer}"
    );
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_cannot_take_more_than_its_rate_and_an_untrusted_forwarded_header_does_not_help() {
    let ingress = start(|o| o.set("rate_per_source", 1).set("burst_per_source", 20)).await;
    let body = message(ALGESTA_NUMBER, "wamid.r", "hola");
    let mut refused = None;
    for n in 0..60 {
        let forwarded = format!("203.0.113.{n}");
        let answer = ingress
            .post(PATH, &[("x-forwarded-for", &forwarded)], body.clone())
            .await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("sixty at once are more than twenty");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refusal(refused).await.1, "rate_limited");
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_page_and_health_tell_what_is_configured_and_no_secret() {
    let ingress = start(|o| o).await;
    let about = ingress.get("/").await.text().await.unwrap();
    let health = ingress.get("/health").await.text().await.unwrap();
    assert!(
        about.contains("whatsapp_cloud")
            && about.contains("\"version\"")
            && health.contains("\"broker\":\"connected\"")
    );
    for secret in [CLOUD_SECRET, "verify-me", "token-algesta", "algesta-wa"] {
        assert!(!about.contains(secret) && !health.contains(secret), "{secret}");
    }
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_that_arrive_together_are_all_committed_although_one_statement_holds_but_a_few() {
    // Nobody is told to come again because the machine is slow.
    let patient = |o: Overrides| o.set("commit_timeout_ms", 60_000).set("read_timeout_ms", 60_000);
    let ingress = start(patient).await;
    let answers = futures::future::join_all((0..12).map(|n| {
        // White space after the document is part of the signed bytes, and of no meaning.
        let padding = " ".repeat(2 * 1024 * 1024);
        let body = message(ALGESTA_NUMBER, &format!("wamid.{n}"), "hola") + &padding;
        let ingress = &ingress;
        async move { ingress.cloud(PATH, CLOUD_SECRET, &body).await.status() }
    }))
    .await;
    assert!(
        answers.iter().all(|status| *status == StatusCode::OK),
        "{answers:?}"
    );
    assert_eq!(ingress.events().await, [("algesta".into(), 12)]);
    ingress.stop().await;
}
