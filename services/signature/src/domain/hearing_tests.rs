//! Reports in any order, late and repeated, end in the same place.

use proptest::prelude::*;
use proptest::sample::subsequence;
use time::{Duration, OffsetDateTime};

use crate::domain::event::Happened;
use crate::domain::report::{Envelope, Report, SignerReport};
use crate::domain::signature::Signature;
use crate::domain::signer::{Role, SignerState};
use crate::domain::state::{State, Step};

fn at(minute: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::minutes(minute)
}

fn told(role: Role, state: SignerState, minute: i64) -> SignerReport {
    SignerReport {
        recipient_id: role.recipient_id().to_owned(),
        state,
        reason: if state == SignerState::Declined {
            "the price is wrong".to_owned()
        } else {
            String::new()
        },
        at: Some(at(minute)),
    }
}

fn report(envelope: Envelope, signers: Vec<SignerReport>, minute: i64) -> Report {
    Report {
        envelope,
        signers,
        reason: match envelope {
            Envelope::Declined => "declined".to_owned(),
            Envelope::Voided => "ran out".to_owned(),
            _ => String::new(),
        },
        at: at(minute),
    }
}

/// What a provider would tell of an envelope on which each signer came so far, and which ended so.
fn story(ends: [SignerState; 3], envelope: Envelope) -> Vec<Report> {
    let mut told_of = vec![report(Envelope::Open, Vec::new(), 0)];
    for (n, (role, end)) in Role::ALL.into_iter().zip(ends).enumerate() {
        let minute = i64::try_from(n).unwrap() * 10;
        for (step, state) in [SignerState::Sent, SignerState::Delivered]
            .into_iter()
            .enumerate()
        {
            let minute = minute + i64::try_from(step).unwrap() + 1;
            told_of.push(report(Envelope::Open, vec![told(role, state, minute)], minute));
        }
        if end != SignerState::Delivered {
            told_of.push(report(
                Envelope::Open,
                vec![told(role, end, minute + 5)],
                minute + 5,
            ));
        }
    }
    if envelope != Envelope::Open {
        told_of.push(report(envelope, Vec::new(), 60));
    }
    told_of
}

fn waiting() -> Signature {
    let mut signature = Signature::open(at(0));
    signature.contract_stored(uuid::Uuid::nil(), at(0));
    signature.envelope_known("envelope", at(0));
    signature
}

/// Without what may differ: in how many steps it was told, and who was told in which of them.
fn place(signature: &Signature) -> Signature {
    Signature {
        version: 0,
        events: Vec::new(),
        ..signature.clone()
    }
}

fn stories() -> impl Strategy<Value = Vec<Report>> {
    use SignerState::{Declined, Delivered, Signed};
    prop_oneof![
        Just(story([Signed; 3], Envelope::Completed)),
        Just(story([Signed, Declined, Delivered], Envelope::Declined)),
        Just(story([Declined, Signed, Signed], Envelope::Declined)),
        Just(story([Signed, Delivered, Delivered], Envelope::Voided)),
        Just(story([Signed, SignerState::Failed, Delivered], Envelope::Open)),
    ]
}

/// All reports of a story at least once, some again, in any order.
fn muddled() -> impl Strategy<Value = (Vec<Report>, Vec<Report>)> {
    stories().prop_flat_map(|told_of| {
        let length = told_of.len();
        let repeated = subsequence(told_of.clone(), 0..=length);
        (Just(told_of.clone()), repeated)
            .prop_map(|(all, again)| all.into_iter().chain(again).collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(move |muddle| (told_of.clone(), muddle))
    })
}

proptest! {
    #[test]
    fn reports_in_any_order_and_repeated_end_in_the_same_place((in_order, muddle) in muddled()) {
        let (mut expected, mut found) = (waiting(), waiting());
        for report in &in_order {
            expected.hear(report);
        }
        let mut told = Vec::new();
        for report in &muddle {
            let heard = found.hear(report);
            prop_assert!(!heard.contradicts);
            told.extend(heard.tell);
        }
        // Since when a signer cannot be reached depends on when it was told.
        let (mut expected, mut place_found) = (place(&expected), place(&found));
        for problem in [&mut expected.problem, &mut place_found.problem].into_iter().flatten() {
            problem.since = at(0);
        }
        prop_assert_eq!(expected, place_found);
        told.sort();
        let expected: Vec<Role> = found
            .signers
            .iter()
            .filter(|signer| found.state == State::Rechazado && signer.state == SignerState::Signed)
            .map(|signer| signer.role)
            .collect();
        prop_assert_eq!(told, expected, "whoever had signed is told once");
    }

    #[test]
    fn versions_have_no_gap_and_no_state_ever_goes_back((_, muddle) in muddled()) {
        let mut signature = waiting();
        for report in &muddle {
            signature.hear(report);
        }
        for (n, recorded) in signature.events.iter().enumerate() {
            prop_assert_eq!(recorded.version, i64::try_from(n).unwrap() + 1);
        }
        prop_assert_eq!(signature.version, i64::try_from(signature.events.len()).unwrap());
        let ends = signature.events.iter().filter(|recorded| {
            matches!(recorded.what, Happened::Moved { before: Some(_), .. })
        });
        prop_assert!(ends.count() <= 1, "the first end stays");
        for role in Role::ALL {
            let mut now = SignerState::Waiting;
            for recorded in &signature.events {
                if let Happened::Signer { role: of, before, after, .. } = recorded.what
                    && of == role
                {
                    prop_assert_eq!(before, now);
                    prop_assert_ne!(before, after);
                    now = after;
                }
            }
        }
    }
}

#[test]
fn the_first_end_stays_and_its_contradiction_is_noticed() {
    let ends = [
        (Envelope::Completed, Step::Storing, State::EnProceso),
        (Envelope::Declined, Step::Ended, State::Rechazado),
        (Envelope::Voided, Step::Ended, State::Anulado),
    ];
    for (first, step, state) in ends {
        for (second, ..) in ends {
            let mut signature = waiting();
            signature.hear(&report(first, Vec::new(), 1));
            let heard = signature.hear(&report(second, Vec::new(), 2));
            assert_eq!((signature.step, signature.state), (step, state));
            assert_eq!(heard.contradicts, first != second, "{first:?} {second:?}");
        }
    }
}
