//! `puente dlq`: all services at once, and one that is down hides nothing.

use prost::Message as _;
use puente_proto::messaging::MessageReceived;
use puente_proto::operations::{DeadLetter, RetryDeadLetterResponse};
use serde_json::Value;

use super::fake::{Fake, Fleet, Has, at};

fn letter(event: &str, consumer: &str, dead_at: i64) -> DeadLetter {
    DeadLetter {
        event_id: event.to_owned(),
        consumer: consumer.to_owned(),
        tenant: "algesta".to_owned(),
        r#type: "puente.messaging.v1.MessageReceived".to_owned(),
        reason: format!("{consumer} could not"),
        attempts: 12,
        dead_at: at(dead_at),
        payload: MessageReceived {
            provider: "jelou".to_owned(),
            text: "Hola".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        ..DeadLetter::default()
    }
}

async fn two() -> (Fake, Fake, Fleet) {
    let of_orders = vec![letter("e-1", "orders", 10), letter("e-3", "orders", 30)];
    let of_notifications = vec![letter("e-1", "notifications", 20)];
    let orders = Fake::start(
        "orders",
        Has {
            letters: of_orders,
            ..Has::default()
        },
    )
    .await;
    let notifications = Fake::start(
        "notifications",
        Has {
            letters: of_notifications,
            ..Has::default()
        },
    )
    .await;
    let fleet = Fleet::default()
        .with("PUENTE_ORDERS_GRPC", orders.url())
        .with("PUENTE_NOTIFICATIONS_GRPC", notifications.url());
    (orders, notifications, fleet)
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_all_services_are_one_list_newest_first() {
    let (orders, _, fleet) = two().await;
    let ran = fleet.run(&["dlq", "list", "--json"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["event_id"].as_str().unwrap(),
                line["service"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [("e-3", "orders"), ("e-1", "notifications"), ("e-1", "orders")]
    );
    let ran = fleet
        .run(&["dlq", "list", "--all", "--type", "puente.x.v1.Y", "--limit", "2"])
        .await;
    assert!(ran.out.contains("3 wait for a person"), "{}", ran.out);
    assert_eq!(
        ran.out.lines().count(),
        4,
        "heading, two, and the count:\n{}",
        ran.out
    );
    let asked = orders.asked().pop().unwrap();
    assert!(
        asked.contains("resolved: true") && asked.contains("puente.x.v1.Y"),
        "{asked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_named_hides_nothing_and_the_code_is_1() {
    let (_, _, fleet) = two().await;
    let fleet = fleet.with("PUENTE_INGRESS_GRPC", "http://127.0.0.1:1".to_owned());
    for arguments in [
        &["dlq", "list"][..],
        &["dlq", "list", "--json"],
        &["dlq", "show", "e-3"],
    ] {
        let ran = fleet.run(arguments).await;
        assert!(ran.out.contains("e-3"), "{arguments:?}: {}{}", ran.out, ran.err);
        let complete = arguments.contains(&"show");
        assert_eq!(ran.code, if complete { 0 } else { 1 }, "{arguments:?}");
        let named = ran.err.contains("ingress at http://127.0.0.1:1 does not answer");
        assert_ne!(named, complete, "{arguments:?}: {}", ran.err);
    }
    let ran = fleet.run(&["dlq", "show", "e-9"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("ingress"), "it might be there: {}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_is_shown_decoded_and_masked_unless_it_is_to_be_seen() {
    let (_, _, fleet) = two().await;
    let ran = fleet.run(&["dlq", "show", "e-3"]).await;
    assert!(
        ran.code == 0 && ran.out.contains(r#""provider":"jelou""#),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(
        ran.out.contains("***") && !ran.out.contains("Hola"),
        "{}",
        ran.out
    );
    let ran = fleet.run(&["dlq", "show", "e-3", "--reveal", "--json"]).await;
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&value["data"]["text"], &value["attempts"]),
        (&"Hola".into(), &12.into())
    );
    assert!(value.get("payload").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_retried_or_closed_where_it_is_and_an_ambiguous_one_is_asked_back() {
    let (orders, notifications, fleet) = two().await;
    let ran = fleet.run(&["dlq", "retry", "e-1"]).await;
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--consumer"), "{}", ran.err);
    let ran = fleet
        .run(&[
            "dlq",
            "close",
            "e-1",
            "--consumer",
            "notifications",
            "--reason",
            "not wanted",
        ])
        .await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(notifications.asked().last().unwrap().contains("not wanted"));
    assert!(!orders.asked().iter().any(|asked| asked.starts_with("Close")));

    let ran = fleet.run(&["dlq", "retry", "e-3"]).await;
    assert_eq!(ran.code, 1, "it failed again: {}", ran.out);
    let handled = RetryDeadLetterResponse {
        handled: true,
        reason: String::new(),
    };
    let has = Has {
        letters: vec![letter("e-3", "orders", 1)],
        retry: handled,
        ..Has::default()
    };
    let orders = Fake::start("orders", has).await;
    let ran = Fleet::default()
        .with("PUENTE_ORDERS_GRPC", orders.url())
        .run(&["dlq", "retry", "e-3"])
        .await;
    assert_eq!((ran.code, ran.out.as_str()), (0, "handled e-3 by orders\n"));

    let ran = fleet.run(&["dlq", "close", "e-3", "--reason", "x"]).await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "error: orders: a reason has 3 to 500 characters\n")
    );
    let ran = fleet
        .run(&["dlq", "close", "e-9", "--reason", "not wanted"])
        .await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: there is no dead letter of the event e-9\n")
    );
}
