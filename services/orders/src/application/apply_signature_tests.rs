use puente_types::{ClientId, OrderId};

use super::*;
use crate::domain::event::Fact;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Assignment, Channel, Contact, Reach, Request, Snapshot};

/// An order that was sent to signature twice.
fn order_in(state: State) -> Order {
    Order::restore(Snapshot {
        id: OrderId::new(),
        number: OrderNumber::new(7).unwrap(),
        version: 9,
        state,
        contact: Contact {
            client_id: ClientId::new(),
            name: "Laura".into(),
            phone: String::new(),
            reach: Reach::default(),
        },
        request: Request {
            service: "reparación".into(),
            description: "gotea".into(),
            location: "Medellín".into(),
        },
        channel: Channel::Whatsapp,
        assignment: Assignment::default(),
        quotation: None,
        attempts: 2,
        signed_document: String::new(),
        check: crate::domain::company::Check::None,
    })
}

const WAITING: Standing = Standing {
    attempt: 2,
    progress: Progress::EnProceso,
    version: 1,
};

fn news(progress: Progress) -> News {
    News {
        version: 2,
        progress,
        role: None,
        words: String::new(),
        document: "doc-1".into(),
    }
}

fn refusal(words: &str) -> News {
    News {
        role: Some(Role::Client),
        words: words.into(),
        ..news(Progress::Rechazado)
    }
}

#[test]
fn the_end_of_a_request_moves_the_order_that_waits_for_it() {
    let cases = [
        (news(Progress::Firmado), State::PolizaAsignada, ""),
        (
            refusal("  el precio\nno es "),
            State::DocumentosRechazados,
            "cliente: el precio no es",
        ),
        (refusal(""), State::DocumentosRechazados, "cliente"),
        (
            news(Progress::Rechazado),
            State::DocumentosRechazados,
            "sin detalle",
        ),
        (news(Progress::Anulado), State::CotizacionAprobada, ""),
    ];
    for (news, to, why) in cases {
        let mut order = order_in(State::EnFirma);
        let meaning = apply_signature(&mut order, WAITING, &news).unwrap();
        let Meaning::Moved(event) = meaning else {
            panic!("{meaning:?}")
        };
        let Fact::Moved { after, reason, .. } = &event.fact else {
            panic!("{event:?}")
        };
        assert_eq!(
            (order.state(), *after, reason.as_str(), order.version()),
            (to, to, why, 10)
        );
        let signed = if to == State::PolizaAsignada { "doc-1" } else { "" };
        assert_eq!(
            (
                order.snapshot().signed_document.as_str(),
                event.order.signed_document.as_str()
            ),
            (signed, signed)
        );
    }
}

#[test]
fn endless_words_are_cut_to_what_an_order_takes() {
    let mut order = order_in(State::EnFirma);
    let meaning = apply_signature(&mut order, WAITING, &refusal(&"ñ".repeat(5_000))).unwrap();
    assert!(matches!(meaning, Meaning::Moved(_)), "{meaning:?}");
}

#[test]
fn in_no_other_state_does_an_order_move_and_the_end_is_noted() {
    for state in State::ALL.into_iter().filter(|state| *state != State::EnFirma) {
        let mut order = order_in(state);
        let meaning = apply_signature(&mut order, WAITING, &refusal("no")).unwrap();
        assert_eq!(
            meaning,
            Meaning::Noted("Rechazado: cliente: no".into()),
            "{state}"
        );
        assert_eq!((order.state(), order.version()), (state, 9));
    }
}

#[test]
fn what_is_old_late_unfinished_or_of_an_older_request_moves_nothing() {
    let signed = news(Progress::Firmado);
    let later = Standing {
        version: 2,
        ..WAITING
    };
    let ended = |progress| Standing { progress, ..WAITING };
    let first = Standing {
        attempt: 1,
        ..WAITING
    };
    let cases = [
        (later, &signed, Meaning::Old),
        (ended(Progress::Firmado), &signed, Meaning::Old),
        (ended(Progress::Rechazado), &signed, Meaning::Old),
        (ended(Progress::Anulado), &signed, Meaning::Old),
        (first, &signed, Meaning::Superseded),
        (WAITING, &news(Progress::EnProceso), Meaning::Progress),
    ];
    for (standing, news, expected) in cases {
        let mut order = order_in(State::EnFirma);
        assert_eq!(
            apply_signature(&mut order, standing, news),
            Ok(expected),
            "{standing:?}"
        );
        assert_eq!((order.state(), order.version()), (State::EnFirma, 9));
    }
}

#[test]
fn every_progress_comes_back_from_its_name() {
    for progress in Progress::ALL {
        assert_eq!(Progress::named(progress.name()), Some(progress));
    }
    assert_eq!(Progress::named("Perdido"), None);
}
