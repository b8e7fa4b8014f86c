//! Order within a conversation, parallelism between conversations, several replicas.

use puente_service::Runtime;
use puente_testkit::wait_for;

use crate::support::{PATIENCE, Stage, message};

/// Publishes a whole conversation for each of `people`, shuffled; returns when all orders are there.
///
/// The stage's messages wait longer than any test: that they have waited long enough is said once all are there.
async fn all_at_once(stage: &Stage, people: usize) {
    let mut messages = Vec::new();
    for person in 0..people {
        let phone = format!("+57300555{person:04}");
        for (at, text) in Stage::first_order().into_iter().enumerate() {
            messages.push(message(
                "acme",
                &phone,
                i64::try_from(at * 1_000 + person).unwrap() + 1,
                text,
            ));
        }
    }
    // A fixed disorder: every conversation backwards, conversations mixed.
    messages.sort_by_key(|m| std::cmp::Reverse((m.receipt_sequence / 1_000, m.receipt_sequence * 7 % 13)));
    for message in &messages {
        stage.publish("acme", message).await;
    }
    let published = i64::try_from(messages.len()).unwrap();
    wait_for("all messages to be there", PATIENCE, async || {
        let there = stage.count("SELECT count(*) FROM conversation_messages").await;
        if there == published {
            Ok(())
        } else {
            Err(format!("{there} of {published} messages"))
        }
    })
    .await;
    let worked = "SELECT count(*) FROM conversation_messages WHERE worked_at IS NOT NULL";
    assert_eq!(stage.count(worked).await, 0);
    sqlx::query("UPDATE conversation_messages SET queued_at = queued_at - interval '1 hour'")
        .execute(&stage.pool)
        .await
        .unwrap();
    let wanted = i64::try_from(people).unwrap();
    wait_for("all orders", PATIENCE, async || {
        let orders = stage.count("SELECT count(*) FROM orders").await;
        if orders == wanted {
            Ok(())
        } else {
            Err(format!("{orders} of {wanted} orders"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_delivery_gives_the_same_orders_with_gapless_numbers() {
    let settle = puente_service::Overrides::default().set("settle_ms", 600_000);
    let stage = Stage::with(settle).await;
    let people = 12;
    all_at_once(&stage, people).await;
    assert_eq!(
        stage
            .count("SELECT count(*) FROM clients WHERE name = 'Laura Gómez'")
            .await,
        12
    );
    assert_eq!(stage.count("SELECT max(number) FROM orders").await, 12);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM orders WHERE service = 'Reparación' AND location LIKE 'Calle 10%'")
            .await,
        12
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM conversation_messages WHERE worked_at IS NULL")
            .await,
        0
    );
    assert_eq!(stage.replies().await.len(), 4 * people);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_open_no_order_twice() {
    let stage = Stage::set().await;
    let others = [Runtime::new("orders"), Runtime::new("orders")];
    for rt in &others {
        stage.replica(rt).await;
    }
    for (at, text) in Stage::first_order().into_iter().enumerate() {
        for person in 0..8 {
            let phone = format!("+57300555{person:04}");
            stage
                .publish(
                    "acme",
                    &message(
                        "acme",
                        &phone,
                        i64::try_from(at * 100 + person).unwrap() + 1,
                        text,
                    ),
                )
                .await;
        }
        let wanted = i64::try_from((at + 1) * 8).unwrap();
        wait_for("the round to be worked", PATIENCE, async || {
            let worked = stage
                .count("SELECT count(*) FROM conversation_messages WHERE worked_at IS NOT NULL")
                .await;
            if worked == wanted {
                Ok(())
            } else {
                Err(format!("{worked} of {wanted}"))
            }
        })
        .await;
    }
    assert_eq!(stage.count("SELECT count(*) FROM orders").await, 8);
    assert_eq!(stage.count("SELECT max(number) FROM orders").await, 8);
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
    for rt in others.iter().chain([&stage.rt]) {
        rt.drain(PATIENCE).await.expect("nothing is left running");
    }
}
