//! Messages that ingress has counted: nobody waits for a message that does not exist, and everybody for one that does.

use puente_proto::messaging::{MessageKind, MessageReceived};
use puente_service::Overrides;
use puente_testkit::wait_for;
use puente_types::EventId;

use crate::support::{LAURA, PATIENCE, Stage, message};

/// A stage whose messages would wait longer than any test if they had to.
async fn patient() -> Stage {
    Stage::with(Overrides::default().set("settle_ms", 600_000)).await
}

async fn publish(stage: &Stage, message: &MessageReceived, version: i64) -> EventId {
    let id = EventId::new();
    stage.publish_counted(id, "acme", message, Some(version)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_nothing_missing_before_it_is_worked_at_once() {
    let stage = patient().await;
    for (version, text) in (1..).zip(Stage::first_order()) {
        let event = publish(&stage, &message("acme", LAURA, version, text), version).await;
        stage.worked(event).await;
    }
    assert_eq!(stage.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(stage.count("SELECT last_version FROM conversations").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_backwards_wait_for_the_first_and_are_worked_in_their_order() {
    let stage = patient().await;
    let people: Vec<String> = (0..6).map(|n| format!("+57300555{n:04}")).collect();
    let said: Vec<_> = (1..).zip(Stage::first_order()).collect();
    for (version, text) in said.iter().rev() {
        for phone in &people {
            publish(&stage, &message("acme", phone, *version, text), *version).await;
        }
    }
    wait_for("all orders", PATIENCE, async || {
        stage.count("SELECT count(*) FROM orders").await == 6
    })
    .await;
    let whole =
        "SELECT count(*) FROM orders WHERE location LIKE 'Calle 10%' AND contact_name = 'Laura Gómez'";
    assert_eq!(stage.count(whole).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_the_bot_and_second_copies_have_their_place_in_the_count() {
    let stage = patient().await;
    let first = message("acme", LAURA, 1, "hola");
    let event = publish(&stage, &first, 1).await;
    stage.worked(event).await;
    let thumb = MessageReceived {
        kind: MessageKind::Reaction.into(),
        ..message("acme", LAURA, 2, "👍")
    };
    publish(&stage, &thumb, 2).await;
    // The same message of the provider under another event.
    publish(&stage, &first, 3).await;
    let event = publish(&stage, &message("acme", LAURA, 4, "menú"), 4).await;
    stage.worked(event).await;
    assert_eq!(stage.replies().await, ["bot_greeting_new", "bot_menu"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_never_comes_holds_nobody_up_for_ever_and_is_worked_when_it_comes_after_all() {
    let stage = Stage::with(Overrides::default().set("settle_ms", 200)).await;
    let event = publish(&stage, &message("acme", LAURA, 3, "hola"), 3).await;
    stage.worked(event).await;
    let late = publish(&stage, &message("acme", LAURA, 2, "menú"), 2).await;
    stage.worked(late).await;
    assert_eq!(stage.count("SELECT last_version FROM conversations").await, 3);
}
