//! Orders that are cancelled while their documents are out.

use puente_proto::orders::{OrderStateChanged, SignatureRequested};
use puente_proto::signature::SignatureStateChanged;
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_testkit::wait_for;

use crate::support::{Fake, PATIENCE, Stage, report, request};

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
