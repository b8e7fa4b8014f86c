use std::collections::BTreeMap;

use proptest::prelude::*;
use time::OffsetDateTime;

use super::capture::{CONTACT, Capture, Next};
use super::reading::{Flaw, Likely, Outcome};
use super::say::Say;
use super::serial::Serial;
use super::state::{Action, Origin, State};
use super::words::{Said, understand};

const AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn capture() -> Capture {
    Capture::new(3, 900)
}

fn found(serial: &str, permille: u32) -> Outcome {
    Outcome::Read {
        likely: Some(Likely {
            serial: Serial::read(serial).unwrap(),
            permille,
        }),
        facts: BTreeMap::from([("brand".to_owned(), "ACME".to_owned())]),
        flaws: vec![],
        engine: "embedded".to_owned(),
    }
}

fn nothing(flaw: Flaw) -> Outcome {
    Outcome::Read {
        likely: None,
        facts: BTreeMap::new(),
        flaws: vec![flaw],
        engine: "embedded".to_owned(),
    }
}

fn shot(capture: &mut Capture, outcome: Outcome) -> Option<Say> {
    let attempt = capture.photo(AT).unwrap();
    capture.read(attempt, outcome, AT)
}

fn says(capture: &mut Capture, text: &str) -> Option<Say> {
    match capture.words(understand(text), AT) {
        Next::Say(say) => say,
        Next::Generate => panic!("an id is generated"),
    }
}

#[test]
fn a_sure_reading_is_accepted_by_itself() {
    let mut capture = capture();
    let say = shot(&mut capture, found("ABC123456", 950)).unwrap();
    assert_eq!(
        say.variables(),
        [
            ("serial", "ABC123456".to_owned()),
            ("confidence", "95 %".to_owned())
        ]
    );
    assert_eq!(
        (capture.state, capture.origin),
        (State::Leido, Some(Origin::Read))
    );
    let moves: Vec<_> = capture
        .moved
        .iter()
        .map(|m| (m.before, m.after, m.version))
        .collect();
    assert_eq!(
        moves,
        [(None, State::Leyendo, 1), (Some(State::Leyendo), State::Leido, 2)]
    );
    assert_eq!(capture.by, "");
}

#[test]
fn a_reading_below_the_threshold_is_never_accepted_by_itself() {
    let mut capture = capture();
    let say = shot(&mut capture, found("ABC123456", 899)).unwrap();
    assert_eq!(say.key(), "plate_confirm");
    assert_eq!(capture.state, State::PorConfirmar);
    assert_eq!(says(&mut capture, "sí, gracias").unwrap().key(), "plate_written");
    assert_eq!(
        (capture.state, capture.origin),
        (State::Leido, Some(Origin::Confirmed))
    );
    assert_eq!(capture.by, CONTACT);
}

#[test]
fn a_reading_may_be_corrected_denied_or_tried_again() {
    let mut corrected = capture();
    shot(&mut corrected, found("ABC123456", 700));
    says(&mut corrected, "no, es ABC123457");
    assert_eq!(
        (corrected.state, corrected.origin),
        (State::Leido, Some(Origin::Corrected))
    );

    let mut repeated = capture();
    shot(&mut repeated, found("ABC123456", 700));
    says(&mut repeated, "ABC123456");
    assert_eq!(repeated.origin, Some(Origin::Confirmed), "it was right after all");

    let mut denied = capture();
    shot(&mut denied, found("ABC123456", 700));
    assert_eq!(says(&mut denied, "no").unwrap(), Say::Denied { photo_left: true });
    assert_eq!((denied.state, denied.serial.as_str()), (State::OtraFoto, ""));
    assert_eq!(
        says(&mut denied, "sí").unwrap(),
        Say::SendPhoto,
        "what was denied is not confirmed"
    );
    says(&mut denied, "ABC123457");
    assert_eq!(
        (denied.state, denied.origin),
        (State::Leido, Some(Origin::Corrected))
    );

    let mut again = capture();
    shot(&mut again, found("ABC123456", 700));
    shot(&mut again, found("ABC123457", 990));
    assert_eq!((again.state, again.attempt), (State::Leido, 2));
}

#[test]
fn after_the_last_attempt_the_serial_is_written_with_its_author() {
    let mut capture = capture();
    let say = shot(&mut capture, nothing(Flaw::Dark)).unwrap();
    assert_eq!(say.key(), "plate_retry_dark");
    assert_eq!(
        say.variables(),
        [("attempt", "1".to_owned()), ("allowed", "3".to_owned())]
    );
    assert_eq!(
        shot(&mut capture, Outcome::Unusable).unwrap().key(),
        "plate_unusable"
    );
    assert_eq!(
        shot(&mut capture, nothing(Flaw::Glare)).unwrap().key(),
        "plate_illegible"
    );
    assert_eq!(capture.state, State::Ilegible);
    assert_eq!(capture.photo(AT), Err(Some(Say::NoMorePhotos)));
    assert_eq!(capture.attempt, 3);
    assert_eq!(says(&mut capture, "¿y ahora?").unwrap(), Say::IllegibleAgain);
    assert_eq!(says(&mut capture, "x1").unwrap(), Say::NoSerial);
    assert_eq!(says(&mut capture, "ABC123456").unwrap().key(), "plate_written");
    assert_eq!(
        (capture.state, capture.origin),
        (State::EscritoAMano, Some(Origin::Manual))
    );
    assert_eq!(capture.by, CONTACT);
}

#[test]
fn the_last_attempt_may_still_be_confirmed_or_denied() {
    let mut capture = Capture::new(1, 900);
    let say = shot(&mut capture, found("ABC123456", 500)).unwrap();
    assert_eq!(say.key(), "plate_confirm_last");
    assert_eq!(capture.photo(AT), Err(Some(Say::NoMorePhotos)));
    assert_eq!(capture.state, State::PorConfirmar, "the question stands");
    assert_eq!(says(&mut capture, "no").unwrap().key(), "plate_denied_last");
    assert_eq!(capture.state, State::Ilegible);
}

#[test]
fn what_nobody_can_read_gets_a_generated_id() {
    let mut capture = capture();
    shot(&mut capture, nothing(Flaw::NoText));
    assert_eq!(capture.words(Said::Illegible, AT), Next::Generate);
    let say = capture.generate("SN-G-000001".to_owned(), CONTACT, AT).unwrap();
    assert_eq!(say.key(), "plate_generated");
    assert_eq!(
        (capture.state, capture.origin),
        (State::Generado, Some(Origin::Generated))
    );
}

#[test]
fn words_before_any_photograph_are_an_answer_too() {
    let mut asked = capture();
    assert_eq!(says(&mut asked, "hola").unwrap(), Say::SendPhoto);
    assert_eq!((asked.state, asked.version), (State::OtraFoto, 2));
    let mut typed = capture();
    says(&mut typed, "ABC123456");
    assert_eq!((typed.state, typed.version), (State::EscritoAMano, 2));
    let mut gone = capture();
    gone.abandon(AT);
    assert_eq!((gone.state, gone.version), (State::Abandonado, 2));
}

#[test]
fn nothing_changes_an_end() {
    let mut capture = capture();
    shot(&mut capture, found("ABC123456", 950));
    let ended = capture.clone();
    assert_eq!(capture.photo(AT), Err(None));
    for text in ["no", "sí", "XYZ987", "ilegible", "hola"] {
        assert_eq!(capture.words(understand(text), AT), Next::Say(None), "{text}");
    }
    capture.abandon(AT);
    assert_eq!(capture.read(1, nothing(Flaw::Dark), AT), None);
    assert!(capture.confirm("u", AT).is_err());
    assert!(capture.write(Serial::read("XYZ987").unwrap(), "u", AT).is_err());
    assert!(capture.ask_photo(None, "u", AT).is_err());
    assert!(capture.generate("SN-G-000002".to_owned(), "u", AT).is_err());
    assert!(capture.recognize(AT).is_err());
    assert_eq!(capture, ended);
}

#[test]
fn a_reviewer_decides_the_same_and_may_allow_one_more_photograph() {
    let mut capture = Capture::new(1, 900);
    shot(&mut capture, nothing(Flaw::Blurred));
    assert_eq!(capture.state, State::Ilegible);
    assert!(capture.recognize(AT).is_err(), "the attempts are used up");
    let say = capture.ask_photo(Some(Flaw::Far), "user-7", AT).unwrap();
    assert_eq!(say.key(), "plate_retry_far");
    assert_eq!((capture.state, capture.allowed), (State::OtraFoto, 2));
    assert_eq!(capture.moved.last().unwrap().by, "user-7");
    let attempt = capture.recognize(AT).unwrap();
    capture.read(attempt, found("ABC123456", 800), AT);
    capture.confirm("user-7", AT).unwrap();
    assert_eq!((capture.state, capture.by.as_str()), (State::Leido, "user-7"));
}

#[test]
fn a_capture_that_was_decided_while_a_photograph_was_read_stays_decided() {
    let mut capture = capture();
    let attempt = capture.photo(AT).unwrap();
    assert!(capture.actions().contains(&Action::Write));
    capture
        .write(Serial::read("ABC123456").unwrap(), "user-7", AT)
        .unwrap();
    let decided = capture.clone();
    assert_eq!(capture.read(attempt, found("XYZ987654", 990), AT), None);
    assert_eq!(capture, decided);
}

proptest! {
    /// Whatever comes, in whatever order: versions without gaps, no state out of the table, never more attempts than are
    /// allowed, and no reading below the threshold accepted by itself.
    #[test]
    fn whatever_comes_a_capture_keeps_its_promises(steps in proptest::collection::vec((0_u8..12, 0_u32..=1000), 0..40)) {
        let mut capture = capture();
        for (step, permille) in steps {
            match step {
                0..=2 => { let _ = capture.photo(AT); }
                3 => { capture.read(capture.attempt, found("ABC123456", permille), AT); }
                4 => { capture.read(capture.attempt, nothing(Flaw::Dark), AT); }
                5 => { capture.read(capture.attempt, Outcome::Failed, AT); }
                6 => { capture.words(Said::Yes, AT); }
                7 => { capture.words(Said::No, AT); }
                8 => { capture.words(Said::Other, AT); }
                9 => { let _ = capture.ask_photo(None, "u", AT); }
                10 => { let _ = capture.confirm("u", AT); }
                _ => { let _ = capture.recognize(AT); }
            }
            prop_assert!(capture.attempt <= capture.allowed);
            if capture.origin == Some(Origin::Read) {
                prop_assert!(capture.permille >= capture.threshold);
            }
        }
        for (at, moved) in capture.moved.iter().enumerate() {
            prop_assert_eq!(moved.version, i64::try_from(at).unwrap() + 1);
            match moved.before {
                None => prop_assert_eq!(at, 0),
                Some(before) => prop_assert!(before.may_become(moved.after)),
            }
        }
    }
}
