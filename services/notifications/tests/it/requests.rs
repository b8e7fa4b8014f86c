//! A request becomes one message, sent once.

use std::time::Duration;

use puente_bus::topology;
use puente_ports::Content;
use puente_testkit::wait_for;
use puente_types::EventId;

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, request};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_inside_the_window_is_sent_as_text_once_however_often_it_comes() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(heard).await;
    let id = EventId::new();
    let ask = request("acme", ANA, "tracking_not_found", &[("number", "OT-000042")]);
    for _ in 0..3 {
        stage.publish_as(id, "acme", ANA, None, &ask).await;
    }
    let seen = stage.settled("acme", 1, |message| message.state == "sent").await;
    let message = &seen[0];
    assert_eq!(
        (
            message.form.as_str(),
            message.version,
            message.provider_id.as_deref()
        ),
        ("session", 2, Some("wamid.1"))
    );
    let took = Fake::took();
    assert_eq!(
        (took.len(), took[0].to.as_str(), &took[0].reference),
        (1, ANA, &message.effect_key)
    );
    let Content::Text { body } = &took[0].content else {
        panic!("no text")
    };
    assert!(body.contains("OT-000042") && !body.contains('{'), "{body}");
    assert_eq!(
        stage.told(&message.id).await,
        [
            ("MessageQueued".to_owned(), 1),
            ("MessageStateChanged".to_owned(), 2)
        ]
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_variable_and_an_unknown_text_fail_with_their_reason_and_call_nobody() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "tracking_not_found", &[]).await;
    stage
        .settled("acme", 1, |message| {
            message.code.as_deref() == Some("variable_missing")
        })
        .await;
    stage.asks("acme", ANA, "no_such_text", &[]).await;
    let seen = stage
        .settled("acme", 2, |message| message.state == "failed")
        .await;
    assert_eq!(
        (seen[1].code.as_deref(), seen[1].tag.as_deref()),
        (Some("text_unknown"), Some("configuration"))
    );
    assert_eq!(
        stage.told(&seen[0].id).await,
        [("MessageStateChanged".to_owned(), 1)]
    );
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_stored_with_code_and_tag_and_not_repeated() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Reject]);
    let heard = stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage
        .settled("acme", 1, |message| message.state == "failed")
        .await;
    assert_eq!(
        (seen[0].code.as_deref(), seen[0].tag.as_deref()),
        (Some("131026"), Some("permanent"))
    );
    assert_eq!(Fake::calls(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_is_asked_again_and_the_message_sent_once() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Busy, Reply::Take("wamid.late")]);
    let heard = stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 1, |message| message.state == "sent").await;
    assert_eq!(seen[0].provider_id.as_deref(), Some("wamid.late"));
    assert_eq!((Fake::calls(), Fake::took().len()), (2, 1));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_overtakes_the_message_it_answers_waits_for_it() {
    let stage = Stage::patient().await;
    let asked = stage.asks("acme", ANA, "bot_menu", &[]).await;
    // The request is refused for now; it stays unmarked, and comes again.
    stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(asked).await;
    let seen = stage.settled("acme", 1, |message| message.state == "sent").await;
    assert_eq!(seen[0].form, "session");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_each_message_once() {
    let stage = Stage::set().await;
    let second = stage.rt.child("notifications");
    stage.start(&second).await;
    let heard = stage.hears("acme", ANA, "hola", MINUTE).await;
    stage.handled(heard).await;
    for _ in 0..40 {
        stage.asks("acme", ANA, "bot_menu", &[]).await;
    }
    stage.settled("acme", 40, |message| message.state == "sent").await;
    let mut references: Vec<String> = Fake::took()
        .into_iter()
        .map(|message| message.reference)
        .collect();
    references.sort();
    references.dedup();
    assert_eq!((references.len(), Fake::calls()), (40, 40));
    second.drain(PATIENCE).await.unwrap();
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_the_message_that_it_answers_also_while_a_dead_replica_still_holds_that() {
    let stage = Stage::set().await;
    let message = EventId::new();
    stage.asks_because_of(message, "acme", ANA, "bot_menu").await;
    // Tried again every quarter of a second: by then the ordinary patience of this stage is long over.
    wait_for("many attempts", PATIENCE, || async {
        let js = async_nats::jetstream::new(stage.client.clone());
        let stream = js.get_stream(topology::EVENTS).await.map_err(|e| e.to_string())?;
        let durable = topology::NOTIFICATIONS.durable;
        let consumer = stream.consumer_info(durable).await.map_err(|e| e.to_string())?;
        let attempts = consumer.delivered.consumer_sequence;
        if attempts >= 14 {
            Ok(())
        } else {
            Err(format!("{attempts}"))
        }
    })
    .await;
    stage.hears_as(message, "acme", ANA, "hola", MINUTE).await;
    let seen = stage
        .settled("acme", 1, |message| message.state != "queued")
        .await;
    assert_eq!(seen[0].state, "sent", "{:?}", seen[0].code);
    stage.stop().await;
}
