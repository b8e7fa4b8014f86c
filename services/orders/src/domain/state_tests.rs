use super::*;

#[test]
fn every_state_and_transition_comes_back_from_its_name() {
    for state in State::ALL {
        assert_eq!(state.name().parse(), Ok(state));
        assert!(!state.label().is_empty());
    }
    for transition in Transition::ALL {
        assert_eq!(transition.name().parse(), Ok(transition));
    }
    let refused = "Perdida".parse::<State>().unwrap_err().to_string();
    assert!(
        refused.contains("`Perdida` is no state") && refused.contains("PolizaAsignada"),
        "{refused}"
    );
}

#[test]
fn the_table_names_every_transition_once_and_reaches_every_state() {
    assert_eq!(TABLE.len(), Transition::ALL.len());
    for transition in Transition::ALL {
        assert_eq!(
            TABLE.iter().filter(|(t, _, _)| *t == transition).count(),
            1,
            "{transition}"
        );
    }
    for state in State::ALL.into_iter().filter(|s| *s != State::Nueva) {
        assert!(
            TABLE.iter().any(|(_, _, to)| *to == state),
            "{state} is never reached"
        );
    }
}

#[test]
fn only_closed_and_cancelled_orders_rest_for_good() {
    let last: Vec<State> = State::ALL.into_iter().filter(|s| s.is_final()).collect();
    assert_eq!(last, [State::Cerrada, State::Cancelada]);
}

#[test]
fn people_are_offered_nothing_that_only_signers_can_say() {
    let offered: Vec<Transition> = State::EnFirma.open_to_people().collect();
    assert_eq!(offered, [Transition::Cancel]);
    for state in State::ALL {
        for transition in state.open_to_people() {
            assert!(!transition.comes_from_signers(), "{state} {transition}");
        }
    }
    assert_eq!(
        State::EnFirma.after(Transition::CancelSignature),
        Some(State::CotizacionAprobada)
    );
}

#[test]
fn documents_never_go_to_signature_before_the_quotation_is_approved() {
    let from: Vec<State> = State::ALL
        .into_iter()
        .filter(|s| s.after(Transition::SendToSignature).is_some())
        .collect();
    assert_eq!(from, [State::CotizacionAprobada, State::DocumentosRechazados]);
}
