//! Envelopes out, and what becomes of them.

use puente_ports::{EnvelopePart, ProviderErrorKind};
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_providers::sim::FaultKind;
use serde_json::{Value, json};

use super::*;
use crate::simulator::stage::open_stage;
use crate::support::ExpectedError;

const MOST: usize = 1024 * 1024;

async fn states(stage: &Stage, id: &str) -> (EnvelopeStatus, Vec<SignerStatus>, String) {
    let connection = stage.connection(SLUG);
    let report = signs().status(call(stage, &connection), id).await.unwrap();
    let signers = report
        .signers
        .iter()
        .map(|one| SignerStatus::try_from(one.status).unwrap());
    (report.status, signers.collect(), report.reason)
}

#[tokio::test]
async fn an_envelope_asks_its_signers_in_their_order_and_ends_as_signed_documents() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let id = created(&stage, &envelope()).await.envelope_id;
    let asked = |stage: &Stage| -> Vec<String> {
        carried_out(stage, "signers.ask")
            .into_iter()
            .map(|entry| entry.recipient)
            .collect()
    };
    assert_eq!(asked(&stage), ["ana@example.test"], "the others sign after her");
    let (status, signers, _) = states(&stage, &id).await;
    assert_eq!(status, EnvelopeStatus::Sent);
    assert_eq!(
        signers,
        [SignerStatus::Sent, SignerStatus::Waiting, SignerStatus::Waiting]
    );
    assert_eq!(
        act(&stage, &id, "2", json!({"does": "sign"})).await,
        409,
        "it is not his turn"
    );

    assert_eq!(act(&stage, &id, "1", json!({"does": "open"})).await, 200);
    assert_eq!(states(&stage, &id).await.0, EnvelopeStatus::Delivered);
    sign(&stage, &id, "1").await;
    assert_eq!(asked(&stage).len(), 3, "three requests, one a person");
    sign(&stage, &id, "3").await;
    sign(&stage, &id, "2").await;
    let (status, signers, _) = states(&stage, &id).await;
    assert_eq!(
        (status, signers),
        (EnvelopeStatus::Completed, vec![SignerStatus::Signed; 3])
    );
    assert_eq!(act(&stage, &id, "1", json!({"does": "sign"})).await, 409);

    let connection = stage.connection(SLUG);
    let signed = signs()
        .fetch(call(&stage, &connection), &id, EnvelopePart::Signed, MOST)
        .await
        .unwrap();
    let certificate = signs()
        .fetch(call(&stage, &connection), &id, EnvelopePart::Certificate, MOST)
        .await
        .unwrap();
    let read = |pdf: &[u8]| {
        lopdf::Document::load_mem(pdf)
            .unwrap()
            .extract_text(&[1])
            .unwrap()
    };
    let text = read(&signed);
    assert!(
        text.contains("Contrato de la orden 1042"),
        "the original is in it: {text}"
    );
    assert!(
        text.contains("Signed by Ana Ruiz") && text.contains("Signed by Eva Soto"),
        "{text}"
    );
    assert!(read(&certificate).contains("Certificate Of Completion"));
    let error = signs()
        .fetch(call(&stage, &connection), &id, EnvelopePart::Signed, 10)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "document_too_large");
}

#[tokio::test]
async fn a_refusal_ends_the_envelope_with_its_reason() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let id = created(&stage, &envelope()).await.envelope_id;
    sign(&stage, &id, "1").await;
    let why = json!({"does": "decline", "reason": "El valor no es el acordado"});
    assert_eq!(act(&stage, &id, "2", why).await, 200);
    let (status, signers, reason) = states(&stage, &id).await;
    assert_eq!(status, EnvelopeStatus::Declined);
    assert_eq!(
        signers,
        [SignerStatus::Signed, SignerStatus::Declined, SignerStatus::Sent]
    );
    assert_eq!(reason, "El valor no es el acordado");
}

#[tokio::test]
async fn an_envelope_is_called_back_once_and_one_that_has_ended_stays_as_it_is() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let id = created(&stage, &envelope()).await.envelope_id;
    for _ in 0..2 {
        signs()
            .void(call(&stage, &connection), &id, "Cotización nueva")
            .await
            .unwrap();
    }
    assert_eq!(carried_out(&stage, "envelopes.void").len(), 1);
    let (status, _, reason) = states(&stage, &id).await;
    assert_eq!(
        (status, reason.as_str()),
        (EnvelopeStatus::Voided, "Cotización nueva")
    );
    let error = signs().resend(call(&stage, &connection), &id).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Rejected, "ENVELOPE_INVALID_STATUS")
    );
    let error = signs()
        .void(call(&stage, &connection), "0000", "x")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ENVELOPE_DOES_NOT_EXIST");
}

#[tokio::test]
async fn only_open_signers_are_asked_again() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let id = created(&stage, &envelope()).await.envelope_id;
    sign(&stage, &id, "1").await;
    sign(&stage, &id, "2").await;
    let before = carried_out(&stage, "signers.ask").len();
    signs().resend(call(&stage, &connection), &id).await.unwrap();
    let asked = carried_out(&stage, "signers.ask");
    let again: Vec<_> = asked[before..]
        .iter()
        .map(|entry| entry.recipient.as_str())
        .collect();
    assert_eq!(again, ["eva@example.test"]);
}

#[tokio::test]
async fn after_a_lost_answer_the_envelope_is_found_and_not_made_twice() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let ctx = call(&stage, &connection);
    assert_eq!(signs().find(ctx, "req-1042").await.unwrap(), None);
    stage.hub.fault(SLUG, FaultKind::CutBefore.times(1));
    let lost = signs().create(ctx, &envelope()).await.unwrap_err();
    assert_eq!(*lost.kind(), ProviderErrorKind::OutcomeUnknown);
    assert_eq!(
        signs().find(ctx, "req-1042").await.unwrap(),
        None,
        "it was not made: make it"
    );
    stage.hub.fault(SLUG, FaultKind::CutAfter.times(1));
    let lost = signs().create(ctx, &envelope()).await.unwrap_err();
    assert_eq!(*lost.kind(), ProviderErrorKind::OutcomeUnknown);
    let found = signs().find(ctx, "req-1042").await.unwrap().expect("it was made");
    let made = carried_out(&stage, "envelopes.create");
    let [one] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert_eq!(
        (one.provider_message_id.as_str(), one.idempotency_key.as_deref()),
        (found.envelope_id.as_str(), Some("req-1042"))
    );
    // Who does not look first makes a second one: the journal tells on them.
    created(&stage, &envelope()).await;
    assert_eq!(carried_out(&stage, "envelopes.create").len(), 2);
}

#[tokio::test]
async fn limits_are_told_in_both_styles_and_waited_out() {
    let stage = open_stage!();
    let connection = stage.connection(SLUG);
    for style in ["429", "400"] {
        for (limit, code) in [
            ("hourly_limit", "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"),
            ("burst_limit", "BURST_APIINVOCATION_LIMIT_EXCEEDED"),
        ] {
            put(&stage, |account| {
                account
                    .with_setting("limit_style", style)
                    .with_setting(limit, "1")
            });
            // Whatever was counted before, the second call is over a limit of one.
            let _ = signs().find(call(&stage, &connection), "x").await;
            let error = signs().find(call(&stage, &connection), "x").await.unwrap_err();
            let found = ExpectedError::from(&error);
            assert_eq!(
                (found.kind.as_str(), found.code.as_str()),
                ("rate_limited", code),
                "{style}"
            );
            let wait = found.retry_after_s.unwrap();
            assert!(
                if code.starts_with('B') {
                    wait == 30
                } else {
                    wait <= 3600
                },
                "{style} {code}: {wait}"
            );
        }
    }
    let hint = stage.http.rate_hint(&connection.id).unwrap();
    assert!(
        hint.limit.is_some() && hint.reset_in.is_some(),
        "the fleet's own client read the headers: {hint:?}"
    );
}

#[tokio::test]
async fn asking_for_a_status_too_often_is_refused_and_counted() {
    let stage = open_stage!();
    put(&stage, |account| {
        account.with_setting("poll_interval_ms", "900000")
    });
    let connection = stage.connection(SLUG);
    let id = created(&stage, &envelope()).await.envelope_id;
    signs().status(call(&stage, &connection), &id).await.unwrap();
    let error = signs().status(call(&stage, &connection), &id).await.unwrap_err();
    assert_eq!(error.code(), "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED");
    let (_, shelf) = stage.control(Method::GET, SLUG, "envelopes", Value::Null).await;
    assert_eq!(shelf["envelopes"][0]["polls"], 2);
    assert_eq!(signs().poll_interval().as_secs(), 900);
}

#[tokio::test]
async fn what_docusign_refuses_the_simulator_refuses() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("check_anchors", "true"));
    let connection = stage.connection(SLUG);
    created(&stage, &envelope()).await;
    let mut wrong = [envelope(), envelope(), envelope()];
    wrong[0].signers[0].email = "nobody".to_owned();
    wrong[1].documents[0].pdf = bytes::Bytes::from_static(b"%PDF-1.7 and nothing else");
    wrong[2].signers[0].anchor = "/sn9/".to_owned();
    let codes = [
        "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT",
        "UNABLE_TO_CONVERT_DOCUMENT",
        "ANCHOR_TAB_STRING_NOT_FOUND",
    ];
    for (envelope, code) in wrong.iter().zip(codes) {
        let error = signs()
            .create(call(&stage, &connection), envelope)
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.code()), (&ProviderErrorKind::Rejected, code));
    }
    let mut stranger = stage.connection(SLUG);
    stranger
        .settings
        .insert("account_id".to_owned(), "another-account".into());
    let error = signs().find(call(&stage, &stranger), "x").await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ProviderErrorKind::Configuration,
        "a foreign account: {error}"
    );
    assert_eq!(carried_out(&stage, "envelopes.create").len(), 1);
}
