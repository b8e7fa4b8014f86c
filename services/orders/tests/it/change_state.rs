//! Moving and assigning orders from outside of a conversation.

use std::collections::BTreeSet;

use puente_orders::domain::order::Assignment;
use puente_orders::domain::ports::OrderStore as _;
use puente_orders::domain::signing::{Parties, Party};
use puente_orders::domain::state::{State, Transition};
use puente_orders::{Change, ChangeError, change_state};
use puente_proto::Event as _;
use puente_proto::orders::{OrderAssigned, OrderStateChanged};

use crate::support::{LAURA, Stage, tenant};

fn three() -> Parties {
    let party = |name: &str, email: &str| Party {
        name: name.into(),
        email: email.into(),
        ..Party::default()
    };
    Parties {
        client: party("Laura Gómez", "laura@correo.co"),
        service_provider: party("Frío S.A.S.", "firma@frio.co"),
        agent: party("Ana Ruiz", "ana@algesta.co"),
    }
}

fn to(transition: Transition) -> Change {
    Change::Move(transition, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_one_event_with_before_after_and_the_next_version() {
    let stage = Stage::set().await;
    let acme = tenant("acme");
    let number = stage.with_order("acme", LAURA).await;
    let id = stage.orders.id_of(&acme, number).await.unwrap().unwrap();

    let assign = Change::Assign(Assignment {
        agent: Some("agente-7".into()),
        service_provider: Some("frio-sas".into()),
    });
    change_state(&stage.orders, &acme, id, &assign).await.unwrap();
    let refused = change_state(&stage.orders, &acme, id, &to(Transition::SendToSignature))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("quotation must be approved"),
        "{refused}"
    );
    for transition in [Transition::StartQuotation, Transition::ApproveQuotation] {
        change_state(&stage.orders, &acme, id, &to(transition))
            .await
            .unwrap();
    }
    let nobody = change_state(&stage.orders, &acme, id, &to(Transition::SendToSignature))
        .await
        .unwrap_err();
    assert!(nobody.to_string().contains("those who sign"), "{nobody}");
    let sign = Change::Sign(Box::new(three()), None);
    change_state(&stage.orders, &acme, id, &sign).await.unwrap();
    let by_hand = change_state(&stage.orders, &acme, id, &to(Transition::CompleteSignature))
        .await
        .unwrap_err();
    assert!(
        by_hand.to_string().contains("comes from the signers"),
        "{by_hand}"
    );
    let give_up = Change::Move(Transition::Cancel, Some("el cliente desistió".into()));
    let (order, _) = change_state(&stage.orders, &acme, id, &give_up).await.unwrap();
    assert_eq!((order.state(), order.version()), (State::Cancelada, 7));
    assert_eq!(
        stage.orders.load(&acme, id).await.unwrap().unwrap(),
        order,
        "what was returned is what is stored"
    );

    let told = stage.told().await;
    let order_events: Vec<_> = told
        .iter()
        .filter(|event| event.name.contains(".Order"))
        .collect();
    assert_eq!(
        order_events
            .iter()
            .map(|e| e.version.unwrap())
            .collect::<Vec<_>>(),
        (1..=7).collect::<Vec<_>>()
    );
    let assigned: OrderAssigned = order_events[1].read();
    assert_eq!(
        (
            assigned.agent.as_str(),
            assigned.service_provider.as_str(),
            assigned.previous_agent.as_str()
        ),
        ("agente-7", "frio-sas", "")
    );
    let moves: Vec<OrderStateChanged> = order_events
        .iter()
        .filter(|event| event.name == OrderStateChanged::TYPE.name)
        .map(|e| e.read())
        .collect();
    let ways: Vec<_> = moves
        .iter()
        .map(|m| (m.before.as_str(), m.after.as_str(), m.visible))
        .collect();
    assert_eq!(
        ways,
        [
            ("Nueva", "Asignada", true),
            ("Asignada", "EnCotizacion", false),
            ("EnCotizacion", "CotizacionAprobada", true),
            ("CotizacionAprobada", "EnFirma", true),
            ("EnFirma", "Cancelada", true),
        ]
    );
    assert_eq!(moves[4].reason, "el cliente desistió");
    assert_eq!(stage.count("SELECT count(*) FROM order_journal").await, 7);
    assert!(
        !stage
            .replies()
            .await
            .iter()
            .any(|key| key.starts_with("order_cancelled")),
        "notifications tells of states"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_change_at_once_both_get_their_way_in_some_order_or_a_clear_no() {
    let stage = Stage::set().await;
    let acme = tenant("acme");
    let number = stage.with_order("acme", LAURA).await;
    let id = stage.orders.id_of(&acme, number).await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..4 {
        let (orders, acme) = (stage.orders.clone(), acme.clone());
        tasks.spawn(async move {
            let change = Change::Assign(Assignment {
                agent: Some(format!("agente-{n}")),
                service_provider: None,
            });
            change_state(&orders, &acme, id, &change).await.map(|_| ())
        });
    }
    let (orders, of) = (stage.orders.clone(), acme.clone());
    tasks.spawn(async move {
        change_state(&orders, &of, id, &to(Transition::StartQuotation))
            .await
            .map(|_| ())
    });
    let results = tasks.join_all().await;
    assert!(
        results
            .iter()
            .all(|r| matches!(r, Ok(()) | Err(ChangeError::Refused(_) | ChangeError::Busy))),
        "{results:?}"
    );
    let order = stage.orders.load(&acme, id).await.unwrap().unwrap();
    let versions: BTreeSet<i64> = stage
        .told()
        .await
        .iter()
        .filter(|e| e.name.contains(".Order"))
        .map(|e| e.version.unwrap())
        .collect();
    assert_eq!(
        versions,
        (1..=order.version()).collect(),
        "no version is missing or told twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_another_tenant_does_not_exist() {
    let stage = Stage::set().await;
    let number = stage.with_order("acme", LAURA).await;
    let id = stage
        .orders
        .id_of(&tenant("acme"), number)
        .await
        .unwrap()
        .unwrap();
    let other = tenant("other");
    assert_eq!(stage.orders.id_of(&other, number).await.unwrap(), None);
    let refused = change_state(&stage.orders, &other, id, &to(Transition::StartQuotation))
        .await
        .unwrap_err();
    assert!(matches!(refused, ChangeError::Unknown), "{refused}");
}
