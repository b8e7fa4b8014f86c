//! Prices: sent with the order's move, told, kept, and refused where they do not belong.

use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{MoveOrderRequest, OrderStateChanged, Quotation};
use tonic::Code;

use crate::commands::{wish, with_order};

fn price(minor: i64) -> Quotation {
    Quotation {
        amount_minor: minor,
        currency: "COP".into(),
        note: "con repuestos".into(),
        valid_until: "2099-12-31".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_goes_out_with_the_quotation_and_stays_on_the_order_until_work_on_another_begins() {
    let (stage, acme, id) = with_order().await;
    acme.moves(wish(&id, "start_quotation", "k1")).await.unwrap();
    let quote = |key: &str, quotation| MoveOrderRequest {
        quotation: Some(quotation),
        ..wish(&id, "send_quotation", key)
    };
    let sent = acme.moves(quote("k2", price(35_000_000))).await.unwrap();
    assert_eq!(sent.quotation, Some(price(35_000_000)));
    let again = acme.moves(quote("k2", price(35_000_000))).await.unwrap();
    assert_eq!(again.version, sent.version);
    let other = acme.moves(quote("k2", price(1))).await.unwrap_err();
    assert_eq!(
        other.code(),
        Code::FailedPrecondition,
        "the key stands for the price too: {other}"
    );

    let rejected = MoveOrderRequest {
        reason: "caro".into(),
        ..wish(&id, "reject_quotation", "k3")
    };
    let rejected = acme.moves(rejected).await.unwrap();
    assert_eq!(rejected.quotation, Some(price(35_000_000)));
    let anew = acme.moves(wish(&id, "start_quotation", "k4")).await.unwrap();
    assert_eq!(anew.quotation, None);

    let told: Vec<OrderStateChanged> = stage
        .told()
        .await
        .iter()
        .filter(|event| event.name.ends_with("OrderStateChanged"))
        .map(|event| event.read())
        .collect();
    let priced: Vec<_> = told
        .iter()
        .map(|moved| {
            (
                moved.transition.as_str(),
                moved.quotation.as_ref().map(|q| q.amount_minor),
            )
        })
        .collect();
    assert_eq!(
        priced,
        [
            ("start_quotation", None),
            ("send_quotation", Some(35_000_000)),
            ("reject_quotation", None),
            ("start_quotation", None)
        ]
    );
    let journal = acme.journal(&id).await;
    let kept: Vec<_> = journal.iter().map(|fact| fact.quotation.is_some()).collect();
    assert_eq!(kept, [false, false, true, false, false]);
    assert_eq!(
        journal[2].quotation,
        Some(price(35_000_000)),
        "the journal keeps every price"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_none_or_in_the_wrong_place_is_refused_and_moves_nothing() {
    let (_stage, acme, id) = with_order().await;
    acme.moves(wish(&id, "start_quotation", "k1")).await.unwrap();
    let good = || price(100);
    let cases = [
        (
            "send_quotation",
            Quotation {
                amount_minor: 0,
                ..good()
            },
            "amount_minor",
        ),
        (
            "send_quotation",
            Quotation {
                amount_minor: -5,
                ..good()
            },
            "amount_minor",
        ),
        (
            "send_quotation",
            Quotation {
                currency: "pesos".into(),
                ..good()
            },
            "currency",
        ),
        (
            "send_quotation",
            Quotation {
                note: "x".repeat(501),
                ..good()
            },
            "note",
        ),
        (
            "send_quotation",
            Quotation {
                valid_until: "2020-01-01".into(),
                ..good()
            },
            "past",
        ),
        (
            "send_quotation",
            Quotation {
                valid_until: "31/12/2099".into(),
                ..good()
            },
            "must be a date",
        ),
        (
            "send_quotation",
            Quotation {
                valid_until: "2099-12-31T10:00".into(),
                ..good()
            },
            "must be a date",
        ),
        ("approve_quotation", good(), "`send_quotation` only"),
        ("cancel", good(), "`send_quotation` only"),
    ];
    for (transition, quotation, words) in cases {
        let wrong = MoveOrderRequest {
            quotation: Some(quotation),
            reason: "x".into(),
            ..wish(&id, transition, "k2")
        };
        let refused = acme.moves(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(words), "{refused}");
    }
    let unpriced = acme.moves(wish(&id, "send_quotation", "k2")).await.unwrap();
    assert_eq!(
        (unpriced.state.as_str(), unpriced.quotation),
        ("CotizacionEnviada", None)
    );
    let order = acme.get(Some(Key::OrderId(id))).await.unwrap();
    assert_eq!(order.version, 3);
}
