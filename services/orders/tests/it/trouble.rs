//! Broker and replicas that fail in the middle, and messages that cannot be worked.

use puente_proto::messaging::MessageReceived;
use puente_proto::orders::OrderOpened;
use puente_service::Runtime;
use puente_testkit::wait_for;

use crate::support::{LAURA, PATIENCE, PEDRO, Stage, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_conversation_loses_and_doubles_nothing() {
    let stage = Stage::set().await;
    let said = Stage::first_order();
    for (at, text) in (1..).zip(&said[..3]) {
        stage.say("acme", LAURA, at, text).await;
    }
    stage
        .rt
        .drain(PATIENCE)
        .await
        .expect("everything under way is finished");
    // Written while nobody listens.
    let waiting = stage.publish("acme", &message("acme", LAURA, 4, said[3])).await;
    let rt = Runtime::new("orders");
    stage.replica(&rt).await;
    stage.worked(waiting).await;
    stage.say("acme", LAURA, 5, said[4]).await;
    assert_eq!(stage.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(stage.replies().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_a_broker_that_was_down_when_they_were_committed() {
    let mut stage = Stage::set().await;
    let said = Stage::first_order();
    for (at, text) in (1..).zip(&said[..4]) {
        stage.say("acme", LAURA, at, text).await;
    }
    let last = stage.publish("acme", &message("acme", LAURA, 5, said[4])).await;
    // In the queue, hence no longer in need of the broker.
    wait_for("the message to be queued", PATIENCE, async || {
        stage.count("SELECT count(*) FROM conversation_messages").await == 5
    })
    .await;
    stage.nats.kill9().await;
    stage.worked(last).await;
    stage.nats.start_again().await;
    let js = async_nats::jetstream::new(stage.nats.client().await);
    wait_for("the order's event to be published", PATIENCE, async || {
        let stream = js.get_stream("EVENTS").await.map_err(|error| error.to_string())?;
        let subject = "puente.v1.acme.orders.order.opened";
        let found = stream
            .get_last_raw_message_by_subject(subject)
            .await
            .map_err(|error| error.to_string())?;
        <OrderOpened as prost::Message>::decode(found.payload)
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_worked_becomes_a_dead_letter_and_delays_only_its_own_conversation() {
    let stage = Stage::set().await;
    stage.say("acme", LAURA, 1, "hola").await;
    // What no code of ours writes: a payload that is no message. The conversation is held while it is put there.
    let mut hold = stage.pool.begin().await.unwrap();
    sqlx::query("SELECT id FROM conversations FOR NO KEY UPDATE")
        .execute(&mut *hold)
        .await
        .unwrap();
    let event = stage.publish("acme", &message("acme", LAURA, 2, "menú")).await;
    wait_for("the message to be queued and spoilt", PATIENCE, async || {
        let spoilt =
            sqlx::query("UPDATE conversation_messages SET payload = '\\xff'::bytea WHERE event_id = $1")
                .bind(event.uuid())
                .execute(&stage.pool)
                .await
                .unwrap();
        spoilt.rows_affected() == 1
    })
    .await;
    // It was given up before, and somebody had it handled again.
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason,
                                   attempts, resolved_at, resolution, resolved_by)
         VALUES ($1, 'orders', 'acme', '', '', '', now(), '', 'before', 1, now(), 'retried', 'user-7')",
    )
    .bind(event.uuid())
    .execute(&stage.pool)
    .await
    .unwrap();
    hold.rollback().await.unwrap();
    stage.say("acme", PEDRO, 3, "hola").await;
    stage.say("acme", LAURA, 4, "menú").await;
    assert_eq!(
        stage.replies().await,
        ["bot_greeting_new", "bot_greeting_new", "bot_menu"]
    );
    let dead: (String, i32, String) = sqlx::query_as(
        "SELECT consumer, attempts, reason FROM dead_letters
         WHERE resolved_at IS NULL AND resolution IS NULL AND resolved_by IS NULL",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert_eq!(
        (dead.0.as_str(), dead.1),
        ("orders", 2),
        "it waits for a person again"
    );
    assert!(dead.2.contains("payload"), "{}", dead.2);
    assert_eq!(
        stage.count("SELECT count(*) FROM inbox").await,
        3,
        "a replay of the dead letter is worked again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_cannot_be_keys_are_dead_letters_at_once() {
    let stage = Stage::set().await;
    let endless = MessageReceived {
        provider_message_id: "m".repeat(4_000),
        ..message("acme", LAURA, 1, "hola")
    };
    stage.publish("acme", &endless).await;
    wait_for("the dead letter", PATIENCE, async || {
        stage.count("SELECT count(*) FROM dead_letters").await == 1
    })
    .await;
    stage.say("acme", LAURA, 2, "hola").await;
    assert_eq!(stage.replies().await, ["bot_greeting_new"]);
}
