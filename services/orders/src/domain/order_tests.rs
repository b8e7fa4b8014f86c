use proptest::prelude::*;

use super::*;
use crate::domain::state::TABLE;

fn order() -> Order {
    let contact = Contact {
        client_id: ClientId::new(),
        name: "Laura Gómez".into(),
        phone: "+573001234567".into(),
        reach: Reach {
            provider: "wuzapi".into(),
            connection: "algesta-wuzapi".into(),
            contact_id: "573001234567".into(),
        },
    };
    let request = Request {
        service: "mantenimiento".into(),
        description: "El aire acondicionado gotea".into(),
        location: "Calle 10 # 5-20".into(),
    };
    let number = OrderNumber::new(42).unwrap();
    Order::open(OrderId::new(), number, contact, request, Channel::Whatsapp).0
}

fn order_in(state: State) -> Order {
    let mut snapshot = order().snapshot().clone();
    (snapshot.state, snapshot.version) = (state, 7);
    Order::restore(snapshot)
}

#[test]
fn an_order_opens_as_new_with_version_one() {
    let order = order();
    assert_eq!((order.state(), order.version()), (State::Nueva, 1));
}

#[test]
fn every_state_and_transition_goes_exactly_as_the_table_says() {
    for state in State::ALL {
        for transition in Transition::ALL {
            let mut order = order_in(state);
            let row = TABLE
                .iter()
                .find(|(t, from, _)| *t == transition && from.contains(&state));
            match (order.apply(transition, Some("porque sí")), row) {
                (Ok(event), Some((_, _, to))) => {
                    let Fact::Moved {
                        before,
                        after,
                        transition: by,
                        reason,
                    } = &event.fact
                    else {
                        panic!("{event:?}")
                    };
                    assert_eq!(
                        (*before, *after, *by, reason.as_str()),
                        (state, *to, transition, "porque sí")
                    );
                    assert_eq!((event.order.version, order.version(), order.state()), (8, 8, *to));
                }
                (Err(refused), None) => {
                    assert_eq!(order, order_in_like(&order, state), "{state} {transition}");
                    assert!(!refused.to_string().is_empty());
                }
                (result, row) => panic!("{state} {transition}: {result:?}, table {row:?}"),
            }
        }
    }
}

/// The order as it was before a refused transition.
fn order_in_like(order: &Order, state: State) -> Order {
    let mut snapshot = order.snapshot().clone();
    (snapshot.state, snapshot.version) = (state, 7);
    Order::restore(snapshot)
}

#[test]
fn sending_to_signature_before_approval_says_what_is_missing() {
    for state in [State::Nueva, State::EnCotizacion, State::CotizacionEnviada] {
        let refused = order_in(state)
            .apply(Transition::SendToSignature, None)
            .unwrap_err();
        assert_eq!(refused, Refused::QuotationNotApproved(state));
        assert!(refused.to_string().contains("quotation must be approved"));
    }
}

#[test]
fn a_refusal_names_what_a_person_could_do_instead() {
    let refused = order_in(State::EnFirma)
        .apply(Transition::Close, None)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`close` is not possible in state EnFirma"),
        "{refused}"
    );
    assert!(refused.ends_with("possible now: cancel"), "{refused}");
}

#[test]
fn a_price_stands_until_another_one_is_worked_on() {
    let quotation = Quotation {
        price: puente_types::Money {
            minor: 35_000_000,
            currency: "COP".parse().unwrap(),
        },
        note: "con repuestos".into(),
        valid_until: None,
    };
    let mut order = order_in(State::EnCotizacion);
    let sent = order.quote(quotation.clone(), None).unwrap();
    assert_eq!(
        sent.order.quotation,
        Some(quotation.clone()),
        "the event tells of it"
    );
    order.apply(Transition::ApproveQuotation, None).unwrap();
    assert_eq!(order.snapshot().quotation, Some(quotation.clone()));

    let mut order = order_in(State::EnCotizacion);
    order.quote(quotation.clone(), None).unwrap();
    order.apply(Transition::RejectQuotation, Some("caro")).unwrap();
    assert_eq!(order.snapshot().quotation, Some(quotation.clone()));
    order.apply(Transition::StartQuotation, None).unwrap();
    assert_eq!(
        order.snapshot().quotation,
        None,
        "nobody approves a price that was refused"
    );
    let refused = order_in(State::Nueva).quote(quotation, None).unwrap_err();
    assert!(matches!(refused, Refused::Illegal { .. }), "{refused}");
}

#[test]
fn each_sending_to_signature_is_counted_and_where_it_stands_is_told_before_who_is_missing() {
    let mut order = order_in(State::CotizacionAprobada);
    let missing = order.send_to_signature(&Parties::default(), None).unwrap_err();
    assert!(matches!(missing, Refused::PartiesMissing(_)), "{missing}");
    assert_eq!((order.state(), order.version()), (State::CotizacionAprobada, 7));
    let early = order_in(State::EnCotizacion)
        .send_to_signature(&Parties::default(), None)
        .unwrap_err();
    assert_eq!(early, Refused::QuotationNotApproved(State::EnCotizacion));
    order.apply(Transition::SendToSignature, None).unwrap();
    order.apply(Transition::RejectDocuments, Some("no")).unwrap();
    order.apply(Transition::SendToSignature, None).unwrap();
    assert_eq!(order.snapshot().attempts, 2);
}

#[test]
fn cancelling_and_rejecting_need_a_reason() {
    for transition in [Transition::Cancel, Transition::RejectDocuments] {
        for reason in [None, Some("  ")] {
            let mut order = order_in(State::EnFirma);
            assert_eq!(
                order.apply(transition, reason),
                Err(Refused::ReasonMissing(transition))
            );
            assert_eq!(order.version(), 7);
        }
    }
    let endless = "x".repeat(501);
    assert_eq!(
        order_in(State::EnFirma).apply(Transition::Cancel, Some(&endless)),
        Err(Refused::ReasonTooLong(500))
    );
}

#[test]
fn assigning_a_new_order_tells_who_and_moves_it_with_gapless_versions() {
    let mut order = order();
    let to = Assignment {
        agent: Some("agente-1".into()),
        service_provider: None,
    };
    let events = order.assign(&to).unwrap();
    assert_eq!(events.iter().map(|e| e.order.version).collect::<Vec<_>>(), [2, 3]);
    assert!(matches!(&events[0].fact, Fact::Assigned { before } if *before == Assignment::default()));
    assert!(matches!(
        &events[1].fact,
        Fact::Moved {
            after: State::Asignada,
            ..
        }
    ));

    let more = Assignment {
        agent: None,
        service_provider: Some("frio-sas".into()),
    };
    let events = order.assign(&more).unwrap();
    assert_eq!(
        (events.len(), order.version(), order.state()),
        (1, 4, State::Asignada)
    );
    assert_eq!(order.snapshot().assignment.agent.as_deref(), Some("agente-1"));
    assert!(
        order.assign(&more).unwrap().is_empty(),
        "the same assignment again changes nothing"
    );
    assert_eq!(order.assign(&Assignment::default()), Err(Refused::NobodyAssigned));
}

#[test]
fn a_finished_order_is_assigned_to_nobody() {
    let to = Assignment {
        agent: Some("a".into()),
        service_provider: None,
    };
    assert_eq!(
        order_in(State::Cerrada).assign(&to),
        Err(Refused::Finished(State::Cerrada))
    );
}

#[test]
fn channels_come_back_from_their_names() {
    for channel in Channel::ALL {
        assert_eq!(Channel::named(channel.name()), Some(channel));
    }
    assert_eq!(Channel::named("fax"), None);
}

proptest! {
    #[test]
    fn whatever_is_tried_versions_have_no_gap_and_events_join_up(tries in prop::collection::vec((0_usize..15, any::<bool>()), 0..60)) {
        let mut order = order();
        let (mut version, mut state) = (1, State::Nueva);
        for (which, with_reason) in tries {
            let was_final = state.is_final();
            match order.apply(Transition::ALL[which], with_reason.then_some("motivo")) {
                Ok(event) => {
                    prop_assert!(!was_final);
                    let Fact::Moved { before, after, .. } = event.fact else { return Err(TestCaseError::fail("not a move")) };
                    prop_assert_eq!(before, state);
                    prop_assert_ne!(after, before);
                    version += 1;
                    state = after;
                    prop_assert_eq!(event.order.version, version);
                }
                Err(_) => prop_assert_eq!(order.state(), state),
            }
            prop_assert_eq!((order.version(), order.state()), (version, state));
        }
    }
}
