//! Whoever does not want messages gets none, and whoever never agreed neither.

use std::time::Duration;

use puente_testkit::wait_for;

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_word_is_confirmed_once_and_then_silence_holds_until_a_start_word() {
    let stage = Stage::set().await;
    let stop = stage.hears("acme", ANA, "Baja.", 3 * MINUTE).await;
    stage.handled(stop).await;
    stage
        .settled("acme", 1, |m| {
            m.template == "opt_out_confirmed" && m.state == "sent"
        })
        .await;

    // An ordinary message opens the window again, and is no consent.
    let heard = stage.hears("acme", ANA, "hola", 2 * MINUTE).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 2, |m| m.state != "queued").await;
    assert_eq!(seen[1].code.as_deref(), Some("opted_out"));

    let start = stage.hears("acme", ANA, "ALTA", MINUTE).await;
    stage.handled(start).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 4, |m| m.state != "queued").await;
    assert_eq!(seen[2].template, "opt_in_confirmed");
    assert_eq!(seen[3].state, "sent");
    assert_eq!(Fake::took().len(), 3);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_written_to() {
    let stage = Stage::set().await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 1, |m| m.state == "failed").await;
    assert_eq!(
        (seen[0].code.as_deref(), seen[0].tag.as_deref()),
        (Some("no_opt_in"), Some("permanent"))
    );
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_our_own_phone_and_of_groups_open_no_window() {
    use puente_proto::messaging::MessageReceived;
    let stage = Stage::set().await;
    let own = MessageReceived {
        provider: "fake".into(),
        connection: "acme-chat".into(),
        contact_id: ANA.into(),
        text: "hola".into(),
        own: true,
        ..MessageReceived::default()
    };
    let group = MessageReceived {
        own: false,
        group_id: "g-1".into(),
        ..own.clone()
    };
    for message in [own, group] {
        let event = stage.publish("acme", ANA, None, &message).await;
        stage.handled(event).await;
    }
    assert_eq!(stage.count("SELECT count(*) FROM message_contacts").await, 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_for_its_provider_is_not_sent_after_a_stop_word() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Busy]);
    let gate = Fake::hold().await;
    let heard = stage.hears("acme", ANA, "hola", 2 * MINUTE).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    wait_for("the first call", PATIENCE, async || Fake::calls() == 1).await;
    let stop = stage.hears("acme", ANA, "STOP", MINUTE).await;
    stage.handled(stop).await;
    drop(gate);
    let seen = stage.settled("acme", 2, |m| m.state != "queued").await;
    assert_eq!(seen[0].code.as_deref(), Some("opted_out"));
    assert_eq!(
        (seen[1].template.as_str(), seen[1].state.as_str()),
        ("opt_out_confirmed", "sent")
    );
    assert_eq!(Fake::took().len(), 1);
    stage.stop().await;
}
