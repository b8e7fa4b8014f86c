//! An order's events make the same messages in the same order, however they arrive.

use std::time::Duration;

use puente_ports::Content;
use puente_proto::orders::{
    Contact, OrderAssigned, OrderClientChecked, OrderOpened, OrderStateChanged, Quotation,
};
use puente_types::EventId;

use crate::support::{ANA, Fake, Stage};

fn contact() -> Contact {
    Contact {
        name: "Ana".into(),
        provider: "fake".into(),
        connection: "acme-chat".into(),
        contact_id: ANA.into(),
        ..Contact::default()
    }
}

fn opened(order: &str) -> OrderOpened {
    OrderOpened {
        order_id: order.into(),
        number: "OT-000001".into(),
        contact: Some(contact()),
        service: "reparación".into(),
        state: "Nueva".into(),
        ..OrderOpened::default()
    }
}

fn moved(order: &str, after: &str, visible: bool) -> OrderStateChanged {
    OrderStateChanged {
        order_id: order.into(),
        number: "OT-000001".into(),
        contact: Some(contact()),
        after: after.into(),
        visible,
        ..OrderStateChanged::default()
    }
}

/// The numbers below `count` in an order drawn from random bits.
fn shuffled(count: usize) -> Vec<usize> {
    let mut bits = EventId::new().uuid().as_u64_pair().1;
    let mut left: Vec<usize> = (0..count).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        order.push(left.remove(usize::try_from(bits % 7_919).unwrap() % left.len()));
        bits = bits.rotate_right(9);
    }
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_and_repeated_events_of_an_order_give_one_message_per_visible_change_in_order() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    // `EnCotizacion` is not visible, the empty one is an assignment, `?` is a check of the client that nobody is told of,
    // and the last has no text of its own.
    let changes = [
        ("Asignada", true),
        ("EnCotizacion", false),
        ("", false),
        ("?", false),
        ("CotizacionEnviada", true),
        ("EnLaLuna", true),
    ];
    let expected = [
        "order_opened",
        "order_assigned",
        "order_quotation_sent",
        "order_state_changed",
    ];
    let mut orders = Vec::new();
    for _ in 0..3 {
        let order = EventId::new().to_string();
        let arrival = shuffled(changes.len() + 1);
        let ids: Vec<EventId> = arrival.iter().map(|_| EventId::new()).collect();
        // Everything comes twice.
        for at in arrival.iter().chain(&arrival) {
            let version = Some(i64::try_from(at + 1).unwrap());
            match at.checked_sub(1).and_then(|at| changes.get(at)) {
                None => {
                    stage
                        .publish_as(ids[*at], "acme", &order, version, &opened(&order))
                        .await;
                }
                Some(("", _)) => {
                    let assigned = OrderAssigned {
                        order_id: order.clone(),
                        ..OrderAssigned::default()
                    };
                    stage
                        .publish_as(ids[*at], "acme", &order, version, &assigned)
                        .await;
                }
                Some(("?", _)) => {
                    let checked = OrderClientChecked {
                        order_id: order.clone(),
                        outcome: "known".into(),
                        ..OrderClientChecked::default()
                    };
                    stage
                        .publish_as(ids[*at], "acme", &order, version, &checked)
                        .await;
                }
                Some((after, visible)) => {
                    stage
                        .publish_as(ids[*at], "acme", &order, version, &moved(&order, after, *visible))
                        .await;
                }
            }
        }
        orders.push((order, arrival));
    }
    stage
        .settled("acme", 3 * expected.len(), |m| m.state == "sent")
        .await;
    for (order, arrival) in orders {
        let told: Vec<String> =
            sqlx::query_scalar("SELECT template FROM messages WHERE about = $1 ORDER BY queued_at, id")
                .bind(&order)
                .fetch_all(&stage.pool)
                .await
                .unwrap();
        assert_eq!(told, expected, "arrival: {arrival:?}");
        let version: i64 = sqlx::query_scalar("SELECT version FROM order_watch WHERE order_id = $1")
            .bind(&order)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        assert_eq!(version, 7);
    }
    assert_eq!(Fake::took().len(), 3 * expected.len());
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_version_is_a_dead_letter() {
    let stage = Stage::set().await;
    stage.publish("acme", "o-1", None, &opened("o-1")).await;
    puente_testkit::wait_for("the dead letter", crate::support::PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM dead_letters WHERE reason LIKE '%no version%'")
            .await
            == 1
    })
    .await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quotation_with_a_price_says_it_and_a_closed_order_is_told_once() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    let order = EventId::new().to_string();
    stage.publish("acme", &order, Some(1), &opened(&order)).await;
    let quoted = OrderStateChanged {
        quotation: Some(Quotation {
            amount_minor: 35_000_000,
            currency: "COP".into(),
            ..Quotation::default()
        }),
        ..moved(&order, "CotizacionEnviada", true)
    };
    stage.publish("acme", &order, Some(2), &quoted).await;
    let closed = moved(&order, "Cerrada", true);
    let id = EventId::new();
    for _ in 0..2 {
        stage.publish_as(id, "acme", &order, Some(3), &closed).await;
    }
    // The same news under another id: its place in the order's count is taken.
    stage.publish("acme", &order, Some(3), &closed).await;
    stage.settled("acme", 3, |m| m.state == "sent").await;
    let said: Vec<String> =
        sqlx::query_scalar("SELECT template FROM messages WHERE about = $1 ORDER BY queued_at, id")
            .bind(&order)
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(said, ["order_opened", "order_quotation_sent", "order_closed"]);
    let priced = Fake::took().into_iter().any(|message| match message.content {
        Content::Text { body } => body.contains("está lista: *$ 350.000 COP*."),
        Content::Template { .. } => false,
    });
    assert!(priced, "the price is said");
    stage.stop().await;
}
