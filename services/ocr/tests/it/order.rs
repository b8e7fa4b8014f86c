//! Turns that come twice, late, or before their predecessors.

use puente_types::EventId;

use crate::support::{Eyes, Reply, Stage, new_id, photo_turn, turn_of};

#[tokio::test(flavor = "multi_thread")]
async fn turns_are_worked_in_their_order_whatever_order_they_come_in() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Serial("ABC123456", 0.4)]);
    let second = stage.words(&id, 2, "no, es XYZ987654").await;
    stage.handled(second).await;
    assert_eq!(stage.seen(&id).await, None, "it waits for the first one");
    stage.photo(&id, 1).await;
    let seen = stage.state(&id, "Leido").await;
    assert_eq!(
        (seen.serial.as_str(), seen.origin.as_str()),
        ("XYZ987654", "corrected")
    );
    assert_eq!(stage.states(&id).await, ["Leyendo", "PorConfirmar", "Leido"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_turn_is_the_turn_that_is_there() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Nothing]);
    let turn = photo_turn(&stage.media, &id, 1);
    let event = EventId::new();
    stage.send("acme", event, &turn).await;
    stage.state(&id, "OtraFoto").await;
    // The same event once more, and the same turn as another event.
    stage.send("acme", event, &turn).await;
    let again = stage.publish("acme", &turn).await;
    stage.handled(again).await;
    stage.words(&id, 2, "XYZ987654").await;
    let seen = stage.state(&id, "EscritoAMano").await;
    assert_eq!((seen.attempt, seen.version), (1, 3));
    assert_eq!(Eyes::asked("eye_a").len(), 1);
    assert_eq!(stage.attempts(&id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_after_the_end_change_nothing_and_are_not_answered() {
    let stage = Stage::set().await;
    let id = new_id();
    stage.photo(&id, 1).await;
    let ended = stage.state(&id, "Leido").await;
    stage.photo(&id, 2).await;
    stage.words(&id, 3, "no").await;
    let seen = stage.worked(&id, 3).await;
    assert_eq!((seen.version, seen.serial), (ended.version, ended.serial));
    assert_eq!(stage.said(&id).await, ["plate_read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_cannot_be_read_is_a_dead_letter_and_stops_nobody() {
    let stage = Stage::set().await;
    let mut broken = turn_of("no uuid", 1);
    broken.text = "ABC123456".to_owned();
    stage.publish("acme", &broken).await;
    let id = new_id();
    stage.publish("acme", &turn_of(&id, 0)).await;
    stage.photo(&id, 1).await;
    stage.state(&id, "Leido").await;
    puente_testkit::wait_for("the dead letters", crate::support::PATIENCE, async || {
        stage.count("SELECT count(*) FROM dead_letters").await == 2
    })
    .await;
}
