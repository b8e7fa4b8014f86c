//! Killed or cut off between a call and its record: one envelope, one contract.

use puente_proto::signing::EnvelopeStatus;
use puente_testkit::wait_for;

use crate::support::{Fake, PATIENCE, Reply, Stage, report};

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_whose_answer_was_lost_is_found_and_not_made_again() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::TakeInSilence]);
    let id = stage.asks("acme").await;
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    Fake::only(&id);
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_was_never_made_is_made_after_it_was_looked_for() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::LoseInSilence, Reply::Away]);
    let id = stage.asks("acme").await;
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    Fake::only(&id);
    assert_eq!(Fake::creates(), 3);
    assert_eq!(
        stage.seen(&id).await.unwrap().problem_code,
        None,
        "the trouble is over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_away_in_the_middle_needs_no_person_afterwards() {
    let stage = Stage::set().await;
    // It made the envelope, told nobody, and is away when it is asked.
    Fake::will(&[Reply::TakeInSilence]);
    Fake::looks_away(1);
    let id = stage.asks("acme").await;
    stage
        .becomes(&id, |seen| {
            seen.problem_code.as_deref() == Some("outcome_unknown") && seen.step == "sending"
        })
        .await;
    stage.put_off().await;
    stage.time_passes().await;
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    Fake::only(&id);
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_lands_after_its_call_was_cut_off_is_found_and_not_made_twice() {
    let stage = Stage::set_doubting().await;
    Fake::will(&[Reply::TakeLater]);
    let id = stage.asks("acme").await;
    // Looked for, not there: that says nothing yet.
    stage
        .becomes(&id, |seen| {
            seen.problem_code.as_deref() == Some("envelope_sought")
        })
        .await;
    stage.put_off().await;
    Fake::lands();
    stage.time_passes().await;
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    Fake::only(&id);
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_between_call_and_record_leaves_one_envelope() {
    let stage = Stage::set().await;
    // The provider has taken it, and the answer never arrives: the replica dies with the call.
    let held = Fake::hold().await;
    let id = stage.asks("acme").await;
    wait_for("the envelope", PATIENCE, async || !Fake::of(&id).is_empty()).await;
    sqlx::query(
        "UPDATE effects SET lease_until = now() - interval '1 second', lease_owner = gen_random_uuid()",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    drop(held);
    Fake::only(&id);
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_was_stored_before_a_crash_is_the_one_that_is_recorded() {
    let stage = Stage::set().await;
    let (id, first) = stage.sends("acme").await;
    assert_eq!(stage.files(), 1);
    // As if the replica had died after storing the file, before its transaction.
    for undo in [
        "DELETE FROM documents",
        "UPDATE signatures SET step = 'preparing', contract_id = NULL, contract_key = NULL, contract_hash = NULL,
             envelope_id = NULL, due_at = now()",
    ] {
        sqlx::query(undo).execute(&stage.pool).await.unwrap();
    }
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    assert_eq!(stage.files(), 1, "there is one contract");
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
    assert_eq!(
        Fake::of(&id)[0].asked.documents[0].pdf,
        first.asked.documents[0].pdf
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_while_storing_leaves_its_work_to_another() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    Fake::fetching_fails(true);
    stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Completed, &[]))
        .await;
    stage
        .becomes(&id, |seen| seen.problem_code.as_deref() == Some("unavailable"))
        .await;
    // Held by a replica that no longer lives, until its time is over.
    sqlx::query("UPDATE signatures SET due_at = now(), held_until = now() + interval '1 second', held_by = gen_random_uuid()")
        .execute(&stage.pool)
        .await
        .unwrap();
    Fake::fetching_fails(false);
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
}
