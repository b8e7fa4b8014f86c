//! An envelope that nobody reports on is asked for, and never too often.

use std::time::Duration;

use puente_proto::signature::CheckSignatureRequest;
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Asking, Fake, PATIENCE, Stage};

/// As if nothing had been heard for so long.
async fn quiet(stage: &Stage, minutes: i32) {
    sqlx::query(
        "UPDATE signatures SET quiet_since = quiet_since - make_interval(mins => $1),
                               checked_at = checked_at - make_interval(mins => $1)",
    )
    .bind(minutes)
    .execute(&stage.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_back_that_was_lost_is_made_good_by_asking() {
    let stage = Stage::set_with(1).await;
    Fake::may_be_asked_every(Duration::from_secs(30));
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(&kept.id, EnvelopeStatus::Completed, &[]);
    quiet(&stage, 2).await;
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
    assert_eq!(Fake::polls(&kept.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_ask_once_per_interval_of_the_vendor() {
    let stage = Stage::set_with(1).await;
    stage.start(&stage.rt.child("second")).await;
    Fake::may_be_asked_every(Duration::from_mins(15));
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(
        &kept.id,
        EnvelopeStatus::Delivered,
        &[("1", SignerStatus::Signed)],
    );
    // Longer than what is configured, and shorter than what the vendor allows.
    quiet(&stage, 10).await;
    let ask = Asking::of(&stage, "acme").await;
    let checks = stage
        .count("SELECT count(*) FROM signatures WHERE checked_at IS NOT NULL")
        .await;
    assert_eq!(checks, 0);
    quiet(&stage, 10).await;
    wait_for("the question", PATIENCE, async || Fake::polls(&kept.id) == 1).await;
    wait_for("the answer", PATIENCE, async || {
        stage.signers(&id).await == ["signed", "waiting", "waiting"]
    })
    .await;
    quiet(&stage, 10).await;
    // A person may not ask sooner either, and is told from when on.
    let question = CheckSignatureRequest {
        request_id: id.clone(),
    };
    let refused = ask
        .commands
        .clone()
        .check_signature(ask.signed(question))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("from 20"), "{}", refused.message());
    assert_eq!(Fake::polls(&kept.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_for_the_state_now() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(
        &kept.id,
        EnvelopeStatus::Delivered,
        &[("3", SignerStatus::Delivered)],
    );
    let ask = Asking::of(&stage, "acme").await;
    let question = CheckSignatureRequest {
        request_id: id.clone(),
    };
    let answer = ask
        .commands
        .clone()
        .check_signature(ask.signed(question))
        .await
        .unwrap();
    let signature = answer.into_inner().signature.unwrap();
    assert_eq!(signature.signers[2].state, "delivered");
    assert!(signature.checked_at.is_some());
    assert!(!signature.actions.is_empty());
}
