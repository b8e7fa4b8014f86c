//! Messages of DocuSign Connect: whose envelope it is, once, and answered as DocuSign wants it.

use prost::Message as _;
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus};
use puente_types::Secret;
use puente_webhook_auth::{Encoding, sign};
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::support::{Running, outcome, refusal, start};

const PATH: &str = "/webhooks/docusign";
const KEY: &str = "qmhWb3Bx7V0n2mO3J5sTzG4d8Yp1kLr0aEo6uCwFvXI=";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Ingress with two tenants behind one app of DocuSign, and a third that has HMAC keys of its own.
async fn begin() -> Running {
    let ingress = start(|o| o).await;
    for (id, tenant, account, key) in [
        ("algesta-docusign", "algesta", "account-a", KEY),
        ("norte-docusign", "norte", "account-n", KEY),
        ("sur-docusign", "sur", "account-s", "key-of-sur"),
    ] {
        let secrets = [("integration_key", "app"), ("hmac_key", key)];
        ingress.connect(id, tenant, "docusign", account, &secrets).await;
    }
    ingress.knows_connections(7).await;
    ingress
}

fn message(event: &str, account: &str, at: &str) -> String {
    json!({"event": event, "apiVersion": "v2.1", "retryCount": 0, "generatedDateTime": at,
        "data": {"accountId": account, "envelopeId": "envelope-1", "envelopeSummary": {"status": "completed",
            "customFields": {"textCustomFields": [{"name": "puente_request_id", "value": "req-1"},
                {"name": "puente_traceparent", "value": TRACE}]}}}})
    .to_string()
}

async fn post(ingress: &Running, keys: &[&str], body: &str) -> Response {
    let signed = keys.iter().enumerate().map(|(at, key)| {
        let signature = sign(&Secret::new(*key), "", Encoding::Base64, &[body.as_bytes()]);
        (format!("X-DocuSign-Signature-{}", at + 1), signature)
    });
    let headers: Vec<(String, String)> = signed.collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    ingress.post(PATH, &headers, body).await
}

const AT: &str = "2026-03-02T18:32:13.2990000Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_connect_becomes_one_event_of_the_envelopes_tenant_and_is_answered_with_200() {
    let ingress = begin().await;
    let body = message("envelope-completed", "account-a", AT);
    for expected in ["accepted", "duplicate"] {
        let answer = post(&ingress, &["another-key-of-the-account", KEY], &body).await;
        assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, expected));
    }
    // A retry of DocuSign is the same happening, though its count of tries makes other bytes of it.
    let retried = body.replace("\"retryCount\":0", "\"retryCount\":3");
    let answer = post(&ingress, &[KEY], &retried).await;
    assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, "duplicate"));
    assert_eq!(ingress.events().await, [("algesta".to_owned(), 1)]);
    let (kind, aggregate, payload, trace): (String, String, Vec<u8>, Option<String>) =
        sqlx::query_as("SELECT type, aggregate_id, payload, traceparent FROM ingress.outbox")
            .fetch_one(&ingress.db.admin())
            .await
            .unwrap();
    assert_eq!(
        (kind.as_str(), aggregate.as_str()),
        ("puente.signing.v1.EnvelopeChanged", "envelope-1")
    );
    assert!(
        trace.unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "the trace of who sent the envelope goes on"
    );
    let event = EnvelopeChanged::decode(payload.as_slice()).unwrap();
    assert_eq!(event.status, i32::from(EnvelopeStatus::Completed));
    assert_eq!(
        (
            event.provider.as_str(),
            event.connection.as_str(),
            event.reference.as_str()
        ),
        ("docusign", "algesta-docusign", "req-1")
    );
    assert!(!event.delivery_id.is_empty());
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_the_right_signature_is_refused_and_makes_nothing() {
    let ingress = begin().await;
    let body = message("envelope-completed", "account-a", AT);
    for (keys, code) in [
        (&[][..], "signature_missing"),
        (&["a-guess"], "signature_mismatch"),
    ] {
        let answer = post(&ingress, keys, &body).await;
        assert_eq!(refusal(answer).await, (StatusCode::UNAUTHORIZED, code.to_owned()));
    }
    assert_eq!(ingress.events().await, []);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_of_a_foreign_tenants_envelope() {
    let ingress = begin().await;
    let foreign = post(
        &ingress,
        &["key-of-sur"],
        &message("envelope-completed", "account-a", AT),
    )
    .await;
    assert_eq!(
        (foreign.status(), outcome(&foreign)),
        (StatusCode::OK, "unroutable")
    );
    let unknown = post(&ingress, &[KEY], &message("envelope-completed", "account-x", AT)).await;
    assert_eq!(outcome(&unknown), "unroutable");
    let own = post(
        &ingress,
        &["key-of-sur"],
        &message("envelope-completed", "account-s", AT),
    )
    .await;
    assert_eq!(outcome(&own), "accepted");
    let kind = post(&ingress, &[KEY], &message("envelope-purge", "account-a", AT)).await;
    assert_eq!((kind.status(), outcome(&kind)), (StatusCode::OK, "ignored"));
    assert_eq!(ingress.events().await, [("sur".to_owned(), 1)]);
    ingress.stop().await;
}
