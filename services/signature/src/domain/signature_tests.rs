//! The way of a request, and what people may do on it.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::event::Happened;
use crate::domain::problem::Tag;
use crate::domain::report::{Envelope, Report, SignerReport};
use crate::domain::signature::{Action, Again, Refused, Signature};
use crate::domain::signer::SignerState;
use crate::domain::state::{State, Step};

fn at(minute: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::minutes(minute)
}

fn report(envelope: Envelope) -> Report {
    Report {
        envelope,
        signers: Vec::new(),
        reason: String::new(),
        at: at(9),
    }
}

fn sending() -> Signature {
    let mut signature = Signature::open(at(0));
    signature.contract_stored(Uuid::from_u128(1), at(1));
    signature
}

fn waiting() -> Signature {
    let mut signature = sending();
    assert!(!signature.envelope_known("env", at(2)));
    signature
}

fn storing() -> Signature {
    let mut signature = waiting();
    signature.hear(&report(Envelope::Completed));
    signature
}

fn manual() -> Signature {
    let mut signature = waiting();
    signature.take_manually(at(3)).unwrap();
    signature
}

fn states(signature: &Signature) -> Vec<State> {
    let moves = signature
        .events
        .iter()
        .filter_map(|recorded| match &recorded.what {
            Happened::Moved { after, .. } => Some(*after),
            _ => None,
        });
    moves.collect()
}

#[test]
fn a_request_is_signed_only_when_what_was_signed_is_stored() {
    let mut signature = storing();
    assert_eq!(
        (signature.state, signature.step),
        (State::EnProceso, Step::Storing)
    );
    signature.signed_stored(Uuid::from_u128(2), at(10));
    assert_eq!(states(&signature), [State::EnProceso, State::Firmado]);
    assert!(
        signature
            .signers
            .iter()
            .all(|signer| signer.state == SignerState::Signed)
    );
    let last = signature.events.last().unwrap();
    assert!(
        matches!(last.what, Happened::Moved { document, manual: false, .. } if document == signature.signed)
    );
}

#[test]
fn paper_reaches_the_same_state_and_says_so() {
    let mut signature = manual();
    signature
        .scan_recorded(Uuid::from_u128(3), "agent-1", at(10))
        .unwrap();
    let last = signature.events.last().unwrap();
    assert!(
        matches!(&last.what, Happened::Moved { after: State::Firmado, manual: true, by, document: Some(_), .. } if by == "agent-1")
    );
}

#[test]
fn an_envelope_that_is_no_longer_wanted_is_called_back_when_it_turns_out_to_exist() {
    let mut by_hand = sending();
    by_hand.take_manually(at(2)).unwrap();
    assert!(by_hand.envelope_known("env", at(3)));
    let mut voided = sending();
    voided.void("no longer needed", "agent-1", at(2)).unwrap();
    assert!(voided.envelope_known("env", at(3)));
    assert_eq!(voided.state, State::Anulado);
}

#[test]
fn who_signed_at_the_provider_after_all_needs_no_paper() {
    let mut signature = manual();
    signature.hear(&report(Envelope::Completed));
    assert_eq!((signature.step, signature.manual), (Step::Storing, false));
}

#[test]
fn our_own_calling_back_for_the_manual_way_does_not_void_the_request() {
    let mut signature = manual();
    signature.hear(&report(Envelope::Voided));
    assert_eq!(
        (signature.state, signature.step),
        (State::EnProceso, Step::Manual)
    );
}

#[test]
fn a_problem_is_told_once_and_its_end_too() {
    let mut signature = sending();
    let before = signature.events.len();
    for minute in 2..5 {
        signature.trouble("consent_required", "again", Tag::Configuration, at(minute));
    }
    assert_eq!(signature.events.len(), before + 1);
    assert_eq!(signature.problem.as_ref().unwrap().since, at(2));
    assert_eq!(signature.retry(at(6)), Ok(Again::Send));
    assert!(signature.problem.is_none());
    assert!(matches!(
        signature.events.last().unwrap().what,
        Happened::Troubled { problem: None, .. }
    ));
    assert_eq!(signature.retry(at(7)), Err(Refused::NoProblem));
}

#[test]
fn somebody_who_cannot_be_reached_is_a_problem_until_they_come_round() {
    let mut signature = waiting();
    let mut told = report(Envelope::Open);
    for (state, troubled) in [(SignerState::Failed, true), (SignerState::Signed, false)] {
        told.signers = vec![SignerReport {
            recipient_id: "2".into(),
            state,
            reason: String::new(),
            at: None,
        }];
        signature.hear(&told);
        assert_eq!(signature.problem.is_some(), troubled);
    }
}

#[test]
fn what_may_be_done_follows_from_the_step() {
    use Action::{Check, Manual, Resend, Retry, Scan, Void};
    let mut stuck = sending();
    stuck.trouble("unavailable", "", Tag::Temporary, at(3));
    let mut ended = waiting();
    ended.void("x", "agent-1", at(3)).unwrap();
    let table: [(Signature, &[Action]); 7] = [
        (Signature::open(at(0)), &[Void]),
        (sending(), &[Void, Manual]),
        (stuck, &[Void, Manual, Retry]),
        (waiting(), &[Resend, Void, Check, Manual]),
        (storing(), &[]),
        (manual(), &[Void, Scan]),
        (ended, &[]),
    ];
    for (signature, actions) in table {
        assert_eq!(signature.actions(), actions, "{:?}", signature.step);
    }
}

#[test]
fn nothing_moves_a_request_that_has_ended() {
    let mut signature = waiting();
    signature.void("x", "agent-1", at(3)).unwrap();
    let before = signature.clone();
    assert_eq!(
        signature.void("y", "agent-2", at(4)),
        Err(Refused::Ended(State::Anulado))
    );
    assert!(signature.take_manually(at(4)).is_err());
    signature.trouble("unavailable", "", Tag::Temporary, at(4));
    signature.signed_stored(Uuid::nil(), at(4));
    assert_eq!(signature, before);
}

#[test]
fn an_envelope_at_large_is_seen_whatever_becomes_of_the_request_until_it_is_back() {
    let mut signature = manual();
    signature.not_called_back("consent_required: x", Tag::Configuration, at(4));
    signature.trouble("unavailable", "x", Tag::Temporary, at(5));
    signature
        .scan_recorded(Uuid::from_u128(2), "agent", at(6))
        .unwrap();
    assert_eq!((signature.state, signature.step), (State::Firmado, Step::Ended));
    let problem = signature.problem.clone().unwrap();
    assert_eq!((problem.code.as_str(), problem.since), ("void_failed", at(4)));
    assert_eq!(signature.actions(), [Action::Retry]);
    assert_eq!(signature.retry(at(7)), Ok(Again::CallBack));
    assert!(signature.is_at_large(), "it is not back yet");
    signature.called_back(at(8));
    assert_eq!(signature.problem, None);
    assert_eq!(signature.actions(), []);
}

#[test]
fn an_envelope_that_ended_by_itself_is_no_longer_at_large() {
    for told in [Envelope::Voided, Envelope::Declined, Envelope::Completed] {
        let mut signature = waiting();
        signature.void("x", "agent", at(3)).unwrap();
        signature.not_called_back("timeout: x", Tag::Temporary, at(4));
        signature.hear(&report(Envelope::Open));
        assert!(signature.is_at_large());
        signature.hear(&report(told));
        assert_eq!(signature.problem, None, "{told:?}");
        assert_eq!(signature.state, State::Anulado);
    }
}

#[test]
fn a_second_envelope_that_cannot_be_called_back_is_put_aside_by_a_person_alone() {
    let mut signature = waiting();
    signature.second_envelope("x", Tag::Temporary, at(3));
    assert_eq!(signature.retry(at(4)), Ok(Again::CallBack));
    assert!(signature.is_at_large(), "it is still being called back");
    signature.second_envelope("signed by all", Tag::Permanent, at(5));
    signature.hear(&report(Envelope::Completed));
    assert!(signature.is_at_large());
    assert_eq!(signature.retry(at(6)), Ok(Again::CallBack));
    assert_eq!(signature.problem, None);
}
