//! What people do to a request.

use puente_blob::{BlobKey, Container, MediaType, Sha256Hash};
use puente_proto::signature::{
    MakeSummaryRequest, RecordScanRequest, ResendSignatureRequest, SignatureStateChanged, SummaryStep,
    TakeManuallyRequest, VoidSignatureRequest,
};
use puente_proto::signing::EnvelopeStatus;
use puente_proto::timestamp;
use puente_testkit::wait_for;
use tonic::Code;
use uuid::Uuid;

use crate::support::{Asking, Fake, PATIENCE, Stage, now, pdf, report, tenant};

async fn manually(stage: &Stage, ask: &Asking, id: &str) {
    let wish = TakeManuallyRequest {
        request_id: id.to_owned(),
        reason: "el proveedor no responde".to_owned(),
        idempotency_key: "manual-1".to_owned(),
    };
    let answer = ask
        .commands
        .clone()
        .take_manually(ask.signed(wish))
        .await
        .unwrap();
    let signature = answer.into_inner().signature.unwrap();
    assert_eq!((signature.step.as_str(), signature.manual), ("manual", true));
    assert!(stage.seen(id).await.unwrap().manual);
}

/// Stores a file as the gateway would, and says what a command has to say of it.
async fn scan(stage: &Stage, id: &str, bytes: bytes::Bytes) -> RecordScanRequest {
    let key = BlobKey::new(&tenant("acme"), now(), "pdf");
    let stored = stage
        .blobs()
        .put(Container::Contracts, &key, bytes, MediaType::Pdf)
        .await
        .unwrap();
    RecordScanRequest {
        request_id: id.to_owned(),
        key: key.to_string(),
        file_name: "contrato firmado.pdf".to_owned(),
        sha256: stored.sha256.to_string(),
        bytes: stored.bytes,
        idempotency_key: "scan-1".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paper_reaches_the_same_end_and_the_envelope_is_called_back() {
    let stage = Stage::set().await;
    let (id, _) = stage.sends("acme").await;
    let ask = Asking::of(&stage, "acme").await;
    let early = scan(&stage, &id, pdf("scan")).await;
    let refused = ask.commands.clone().record_scan(ask.signed(early.clone())).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    manually(&stage, &ask, &id).await;
    wait_for("the envelope to be called back", PATIENCE, async || {
        Fake::only(&id).void_reason.as_deref() == Some("el proveedor no responde")
    })
    .await;
    for _ in 0..2 {
        let answer = ask.commands.clone().record_scan(ask.signed(early.clone())).await;
        let signature = answer.unwrap().into_inner().signature.unwrap();
        assert_eq!(
            (signature.state.as_str(), signature.colour.as_str()),
            ("Firmado", "green")
        );
        assert!(signature.manual && !signature.signed_id.is_empty());
    }
    let states: Vec<SignatureStateChanged> = stage.told(&id).await;
    assert_eq!(states.len(), 2);
    assert_eq!((states[1].manual, states[1].by.as_str()), (true, "user-7"));
    assert!(!states[1].document_id.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_what_its_content_is() {
    let stage = Stage::set().await;
    let (id, _) = stage.sends("acme").await;
    let ask = Asking::of(&stage, "acme").await;
    manually(&stage, &ask, &id).await;
    let good = scan(&stage, &id, pdf("scan")).await;
    let html = scan(&stage, &id, "<html>not a pdf</html>".into()).await;
    let mut altered = good.clone();
    altered.sha256 = Sha256Hash::of(b"other").to_string();
    let mut foreign = good.clone();
    foreign.key = BlobKey::new(&tenant("other"), now(), "pdf").to_string();
    let mut missing = good.clone();
    missing.key = BlobKey::new(&tenant("acme"), now(), "pdf").to_string();
    for (wish, code) in [
        (html, Code::InvalidArgument),
        (altered, Code::FailedPrecondition),
        (foreign, Code::InvalidArgument),
        (missing, Code::FailedPrecondition),
    ] {
        let refused = ask.commands.clone().record_scan(ask.signed(wish)).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    assert_eq!(stage.seen(&id).await.unwrap().state, "EnProceso");
    ask.commands.clone().record_scan(ask.signed(good)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_called_back_for_good() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let ask = Asking::of(&stage, "acme").await;
    let wish = |key: &str, reason: &str| VoidSignatureRequest {
        request_id: id.clone(),
        reason: reason.to_owned(),
        idempotency_key: key.to_owned(),
    };
    let mut commands = ask.commands.clone();
    let refused = commands.void_signature(ask.signed(wish("v0", ""))).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    commands
        .void_signature(ask.signed(wish("v1", "la orden cambió")))
        .await
        .unwrap();
    let again = commands.void_signature(ask.signed(wish("v1", "otra cosa"))).await;
    assert_eq!(
        again.unwrap_err().code(),
        Code::FailedPrecondition,
        "the key was used"
    );
    let twice = commands
        .void_signature(ask.signed(wish("v2", "la orden cambió")))
        .await;
    assert_eq!(twice.unwrap_err().code(), Code::FailedPrecondition);
    wait_for("the call back", PATIENCE, async || {
        Fake::only(&id).void_reason.is_some()
    })
    .await;
    // All had signed a moment before: the first end stays.
    let event = stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Completed, &[]))
        .await;
    stage.handled(event).await;
    assert_eq!(stage.seen(&id).await.unwrap().state, "Anulado");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_is_still_on_its_way_is_called_back_when_it_arrives() {
    let stage = Stage::set().await;
    let held = Fake::hold().await;
    let id = stage.asks("acme").await;
    wait_for("the envelope", PATIENCE, async || !Fake::of(&id).is_empty()).await;
    let ask = Asking::of(&stage, "acme").await;
    let wish = VoidSignatureRequest {
        request_id: id.clone(),
        reason: "la orden cambió".to_owned(),
        idempotency_key: "v1".to_owned(),
    };
    ask.commands
        .clone()
        .void_signature(ask.signed(wish))
        .await
        .unwrap();
    drop(held);
    wait_for("the call back", PATIENCE, async || {
        Fake::only(&id).void_reason.is_some()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signers_are_asked_again_once_per_command() {
    let stage = Stage::set().await;
    let (id, _) = stage.sends("acme").await;
    let ask = Asking::of(&stage, "acme").await;
    for key in ["r1", "r1", "r2"] {
        let wish = ResendSignatureRequest {
            request_id: id.clone(),
            idempotency_key: key.to_owned(),
        };
        ask.commands
            .clone()
            .resend_signature(ask.signed(wish))
            .await
            .unwrap();
    }
    wait_for("the calls", PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM effects_history WHERE operation = 'envelopes.resend'")
            .await
            == 2
    })
    .await;
    assert_eq!(Fake::only(&id).resent, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_set_stored_and_recorded_once() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let wish = MakeSummaryRequest {
        order_id: Uuid::now_v7().to_string(),
        number: "OT-000042".into(),
        state_label: "Póliza asignada".into(),
        client_name: "Ana Ruiz".into(),
        service: "Mantenimiento".into(),
        opened_at: Some(timestamp(now())),
        amount_minor: Some(125_000_000),
        currency: "COP".into(),
        steps: vec![SummaryStep {
            at: Some(timestamp(now())),
            title: "Orden abierta".into(),
            detail: String::new(),
        }],
        version: 3,
        ..MakeSummaryRequest::default()
    };
    let mut made = Vec::new();
    for _ in 0..2 {
        let answer = ask.commands.clone().make_summary(ask.signed(wish.clone())).await;
        made.push(answer.unwrap().into_inner().document_id);
    }
    assert_eq!(made[0], made[1]);
    assert_eq!(
        (stage.files(), stage.count("SELECT count(*) FROM documents").await),
        (1, 1)
    );
}
