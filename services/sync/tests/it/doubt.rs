//! Nobody knows whether the provider did it: found by our reference, or a person decides.

use puente_proto::operations::Resolution;
use puente_testkit::wait_for;

use crate::support::{Asking, Fake, PATIENCE, Reply, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_between_call_and_record_leaves_one_task() {
    let stage = Stage::set().await;
    // The provider has made it, and the answer never arrives: the replica dies with the call.
    let held = Fake::hold().await;
    let order = stage.opens("acme").await;
    wait_for("the task", PATIENCE, async || !Fake::tasks().is_empty()).await;
    sqlx::query(
        "UPDATE effects SET lease_until = now() - interval '1 second', lease_owner = gen_random_uuid()",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    let seen = stage.becomes(&order, |seen| seen.state == "open").await;
    drop(held);
    stage.moves("acme", &order, 2, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(Fake::done(), ["create", "complete"]);
    assert_eq!(seen.task_id, format!("gid-{}", Fake::tasks()[0].reference));
    assert_eq!(Fake::looks(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_answer_was_lost_is_found_and_not_made_again() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::DoInSilence]);
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    assert_eq!((Fake::tried().len(), Fake::tasks().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_not_made_is_made_after_it_was_looked_for() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::LoseInSilence]);
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    assert_eq!((Fake::tried().len(), Fake::tasks().len()), (2, 1));
    assert!(Fake::looks() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_away_in_the_middle_needs_no_person_afterwards() {
    let stage = Stage::set().await;
    // It made the task, told nobody, and is away for longer than one call's patience.
    Fake::will(&[Reply::DoInSilence]);
    Fake::looks_away(7);
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 2, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(Fake::tried(), ["create", "complete"]);
    assert_eq!((Fake::tasks().len(), Fake::looks()), (1, 8));
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_stays_in_doubt_is_made_again_later() {
    let stage = Stage::set().await;
    Fake::changes(&[Reply::LoseInSilence; 6]);
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 2, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(Fake::tried().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_was_lost_is_made_again() {
    let stage = Stage::set().await;
    Fake::changes(&[Reply::DoInSilence]);
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 2, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(Fake::tried(), ["create", "complete", "complete"]);
    assert_eq!(stage.told(&order).await.len(), 2, "told once");
}

/// A creation whose outcome nobody can find out, with a change that waits for it.
async fn parked(reply: Reply) -> (Stage, String, Asking, String) {
    let stage = Stage::set().await;
    Fake::cannot_find();
    Fake::will(&[reply]);
    let order = stage.opens("acme").await;
    stage
        .becomes(&order, |seen| {
            seen.problem_code.as_deref() == Some("outcome_unknown")
        })
        .await;
    stage.moves("acme", &order, 2, "Nueva", "Asignada").await;
    stage.applied(&order, 2).await;
    let person = Asking::of(&stage, "acme").await;
    let doubts = person.doubts().await;
    assert_eq!((doubts.len(), Fake::tried().len()), (1, 1));
    let id = doubts.first().expect("one call").id.clone();
    (stage, order, person, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_cannot_be_looked_for_waits_for_a_person_who_has_it_repeated() {
    let (stage, order, person, effect) = parked(Reply::LoseInSilence).await;
    assert_eq!(person.create(&order, "key-1").await.unwrap().state, "creating");
    assert_eq!(Fake::tried().len(), 1, "asking again makes nothing");
    person.resolve(&effect, Resolution::Repeat).await;
    stage.becomes(&order, |seen| seen.stage == "Asignada").await;
    assert_eq!(Fake::done(), ["create", "stage Asignada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_a_person_closes_leaves_the_order_without_a_task() {
    let (stage, order, person, effect) = parked(Reply::LoseInSilence).await;
    person.resolve(&effect, Resolution::Close).await;
    let seen = stage.becomes(&order, |seen| seen.state == "failed").await;
    assert_eq!(seen.problem_code.as_deref(), Some("closed_by_person"));
    assert_eq!(stage.count("SELECT count(*) FROM task_changes").await, 0);
    assert_eq!(Fake::tried(), ["create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_a_person_confirms_is_looked_for_and_never_made() {
    let (stage, order, person, effect) = parked(Reply::DoInSilence).await;
    person.resolve(&effect, Resolution::Confirm).await;
    // It cannot be looked for: the task stays unlinked, and a person sees why.
    let seen = stage.becomes(&order, |seen| seen.state == "failed").await;
    assert_eq!(seen.problem_code.as_deref(), Some("no_reference"));
    assert_eq!(Fake::tried(), ["create"]);
}
