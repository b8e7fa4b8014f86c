//! Orders that are cancelled while their documents are out.

use puente_proto::orders::{OrderStateChanged, SignatureRequested};
use puente_proto::signature::{
    CountSignaturesRequest, ListSignaturesRequest, RetrySignatureRequest, SignatureStateChanged,
    TakeManuallyRequest,
};
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_testkit::wait_for;

use crate::support::{Asking, Fake, PATIENCE, Reply, Stage, report, request};

const WHY: &str = "el cliente ya no lo necesita";

fn cancelled(request: &SignatureRequested) -> OrderStateChanged {
    OrderStateChanged {
        order_id: request.order_id.clone(),
        number: request.number.clone(),
        before: "EnFirma".to_owned(),
        after: "Cancelada".to_owned(),
        transition: "cancel".to_owned(),
        reason: WHY.to_owned(),
        visible: true,
        ..OrderStateChanged::default()
    }
}

async fn cancels(stage: &Stage, tenant: &str, request: &SignatureRequested) {
    let event = stage
        .publish(tenant, &request.order_id, &cancelled(request))
        .await;
    stage.handled(event).await;
}

async fn sent(stage: &Stage) -> SignatureRequested {
    let request = request();
    stage.publish("acme", &request.request_id, &request).await;
    stage
        .becomes(&request.request_id, |seen| seen.step == "waiting")
        .await;
    request
}

async fn is_called_back(id: &str) {
    wait_for("the envelope to be called back", PATIENCE, async || {
        Fake::only(id).void_reason.as_deref() == Some(WHY)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_calls_its_envelope_back_once_however_often_it_is_told() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    for _ in 0..3 {
        cancels(&stage, "acme", &request).await;
    }
    let seen = stage
        .becomes(&request.request_id, |seen| seen.state == "Anulado")
        .await;
    assert_eq!(seen.reason, WHY);
    is_called_back(&request.request_id).await;
    let states: Vec<SignatureStateChanged> = stage.told(&request.request_id).await;
    assert_eq!(states.len(), 2, "in process, then voided, each told once");
    let calls = "SELECT count(*) FROM effects WHERE operation = 'envelopes.void'";
    let done = "SELECT count(*) FROM effects_history WHERE operation = 'envelopes.void'";
    wait_for("one call that is done", PATIENCE, async || {
        (stage.count(calls).await, stage.count(done).await) == (0, 1)
    })
    .await;
    assert_eq!(Fake::voids(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelling_that_overtakes_the_request_keeps_it_from_being_sent() {
    let stage = Stage::set().await;
    let request = request();
    cancels(&stage, "acme", &request).await;
    let event = stage.publish("acme", &request.request_id, &request).await;
    stage.handled(event).await;
    let seen = stage.seen(&request.request_id).await.unwrap();
    assert_eq!((seen.state.as_str(), seen.reason.as_str()), ("Anulado", WHY));
    // Another order of the same time is sent, and this one never was.
    sent(&stage).await;
    assert_eq!(Fake::creates(), 1);
    assert_eq!(Fake::of(&request.request_id).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_that_come_after_the_cancelling_do_not_bring_the_request_back() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    let id = &request.request_id;
    cancels(&stage, "acme", &request).await;
    let late = report(
        id,
        &Fake::only(id).id,
        EnvelopeStatus::Completed,
        &[
            ("1", SignerStatus::Signed),
            ("2", SignerStatus::Signed),
            ("3", SignerStatus::Signed),
        ],
    );
    let event = stage.reports("acme", &late).await;
    stage.handled(event).await;
    let seen = stage.seen(id).await.unwrap();
    assert_eq!((seen.state.as_str(), seen.step.as_str()), ("Anulado", "ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_had_signed_before_the_cancelling_is_stored_and_stays_signed() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    let id = &request.request_id;
    Fake::fetching_fails(true);
    let envelope = Fake::only(id).id;
    Fake::happens(&envelope, EnvelopeStatus::Completed, &[]);
    let all = report(id, &envelope, EnvelopeStatus::Completed, &[]);
    stage.reports("acme", &all).await;
    stage.becomes(id, |seen| seen.step == "storing").await;
    cancels(&stage, "acme", &request).await;
    Fake::fetching_fails(false);
    stage.becomes(id, |seen| seen.state == "Firmado").await;
    assert_eq!(Fake::only(id).void_reason, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_called_again_until_the_envelope_is_back() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    Fake::voiding_fails(1);
    cancels(&stage, "acme", &request).await;
    is_called_back(&request.request_id).await;
    assert_eq!(Fake::voids(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_consent_delays_the_calling_back_and_is_seen_until_the_envelope_is_back() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    let id = &request.request_id;
    Fake::consent_missing(true);
    cancels(&stage, "acme", &request).await;
    let seen = stage
        .becomes(id, |seen| seen.problem_code.as_deref() == Some("void_failed"))
        .await;
    assert_eq!((seen.state.as_str(), seen.step.as_str()), ("Anulado", "ended"));
    let ask = Asking::of(&stage, "acme").await;
    let shown = ask.get(id).await.unwrap();
    assert_eq!(
        (shown.problem_tag.as_str(), shown.reauthorise.as_str()),
        ("configuration", "acme-sign")
    );
    let mut queries = ask.queries.clone();
    let counts = queries
        .count_signatures(ask.signed(CountSignaturesRequest {}))
        .await;
    assert_eq!(counts.unwrap().into_inner().troubled, 1);
    let question = ListSignaturesRequest {
        needs_person: true,
        ..ListSignaturesRequest::default()
    };
    let listed = queries.list_signatures(ask.signed(question)).await;
    assert_eq!(listed.unwrap().into_inner().signatures.len(), 1);
    // It is asked for again without an end, and without anybody.
    Fake::consent_missing(false);
    stage.time_passes().await;
    is_called_back(id).await;
    stage.becomes(id, |seen| seen.problem_code.is_none()).await;
    assert_eq!(stage.problems(id).await, ["void_failed", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_was_not_called_back_outlasts_the_paper_and_is_called_back_on_command() {
    let stage = Stage::set().await;
    let request = sent(&stage).await;
    let id = &request.request_id;
    let ask = Asking::of(&stage, "acme").await;
    let mut commands = ask.commands.clone();
    Fake::consent_missing(true);
    let manual = TakeManuallyRequest {
        request_id: id.clone(),
        reason: WHY.to_owned(),
        idempotency_key: "manual".to_owned(),
    };
    commands.take_manually(ask.signed(manual)).await.unwrap();
    stage
        .becomes(id, |seen| seen.problem_code.as_deref() == Some("void_failed"))
        .await;
    cancels(&stage, "acme", &request).await;
    let seen = stage.becomes(id, |seen| seen.step == "ended").await;
    assert_eq!(seen.problem_code.as_deref(), Some("void_failed"));
    assert_eq!(ask.get(id).await.unwrap().actions, ["retry"]);
    Fake::consent_missing(false);
    let retry = RetrySignatureRequest {
        request_id: id.clone(),
        idempotency_key: "retry".to_owned(),
    };
    commands.retry_signature(ask.signed(retry)).await.unwrap();
    is_called_back(id).await;
    stage.becomes(id, |seen| seen.problem_code.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_in_doubt_is_found_and_called_back_when_its_order_was_cancelled_meanwhile() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::TakeInSilence]);
    Fake::looks_away(1);
    let request = request();
    let id = &request.request_id;
    stage.publish("acme", id, &request).await;
    stage.put_off().await;
    cancels(&stage, "acme", &request).await;
    // Its account cannot be asked just now either.
    Fake::consent_missing(true);
    stage.time_passes().await;
    wait_for("the call that failed", PATIENCE, async || {
        let failed = "SELECT count(*) FROM effects_history WHERE outcome = 'failed'";
        stage.count(failed).await == 1
    })
    .await;
    Fake::consent_missing(false);
    stage.time_passes().await;
    is_called_back(id).await;
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_of_other_orders_tenants_and_kinds_leave_a_request_alone() {
    let stage = Stage::set().await;
    let mine = sent(&stage).await;
    cancels(&stage, "other", &mine).await;
    cancels(&stage, "acme", &request()).await;
    let signed = OrderStateChanged {
        after: "PolizaAsignada".to_owned(),
        ..cancelled(&mine)
    };
    let earlier = OrderStateChanged {
        before: "CotizacionAprobada".to_owned(),
        ..cancelled(&mine)
    };
    for moved in [signed, earlier] {
        let event = stage.publish("acme", &moved.order_id, &moved).await;
        stage.handled(event).await;
    }
    assert_eq!(stage.seen(&mine.request_id).await.unwrap().step, "waiting");
    assert_eq!(Fake::voids(), 0);
}
