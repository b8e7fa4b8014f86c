//! Reading what is asked.
//!
//! Nothing that a caller sends reaches a table unchecked: what no table can hold, or what means nothing, is the caller's
//! mistake and is told so.

use puente_types::PhoneEnding;
use sha2::{Digest as _, Sha256};
use tonic::Status;
use uuid::Uuid;

use crate::Caller;

/// Entries in one part of a list when nobody says how many, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;
/// Longest idempotency key, in characters.
const MAX_KEY: usize = 200;

/// A command of somebody with a role.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Chosen by who gave it; unique in the tenant.
    pub key: String,
    /// Of everything that it says, and of who says it, so that another one under the same key is noticed.
    pub digest: [u8; 32],
    /// Who gave it.
    pub by: String,
}

/// An id. `what` names it: `an order`.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is none.
pub fn id(given: &str, what: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(given).map_err(|_| Status::invalid_argument(format!("give the id of {what}")))
}

/// An id, or none where nothing is given.
///
/// # Errors
/// As [`id`].
pub fn maybe(given: &str, what: &str) -> Result<Option<Uuid>, Status> {
    Some(given)
        .filter(|given| !given.is_empty())
        .map(|given| id(given, what))
        .transpose()
}

/// A text of at most `most` characters that a table can hold.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is longer, or holds NUL.
pub fn text(given: String, what: &str, most: usize) -> Result<String, Status> {
    if given.chars().count() > most || given.contains('\0') {
        let problem = format!("{what} has at most {most} characters, none of them NUL");
        return Err(Status::invalid_argument(problem));
    }
    Ok(given)
}

/// The same, and not empty.
///
/// # Errors
/// As [`text`], and when it is blank.
pub fn needed(given: String, what: &str, most: usize) -> Result<String, Status> {
    if given.trim().is_empty() {
        return Err(Status::invalid_argument(format!("give {what}")));
    }
    text(given, what, most)
}

/// A phone number or the end of one; none where nothing is given.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is too short or no number.
pub fn phone(given: &str) -> Result<Option<PhoneEnding>, Status> {
    Some(given)
        .filter(|given| !given.is_empty())
        .map(PhoneEnding::parse)
        .transpose()
        .map_err(|error| Status::invalid_argument(error.to_string()))
}

/// Which role may do what is decided where people log in; a command only has to come from somebody with a role.
///
/// # Errors
/// `PERMISSION_DENIED` without one.
pub fn somebody(caller: &Caller) -> Result<(), Status> {
    if caller.role.trim().is_empty() {
        return Err(Status::permission_denied("a command needs somebody with a role"));
    }
    Ok(())
}

/// A command of somebody with a role, under its key. `said` is everything that it says. Which role may do what is decided
/// where people log in.
///
/// # Errors
/// `PERMISSION_DENIED` without a role, `INVALID_ARGUMENT` without a key.
pub fn issued(caller: &Caller, key: String, said: &[&str]) -> Result<Issued, Status> {
    somebody(caller)?;
    let key = needed(key, "an idempotency key", MAX_KEY)?;
    let mut hash = Sha256::new();
    // Who says it belongs to what is said: nobody repeats another person's command.
    for part in said.iter().chain(&[caller.subject.as_str()]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Ok(Issued {
        key,
        digest: hash.finalize().into(),
        by: caller.subject.clone(),
    })
}

/// The key of a command says something else already.
#[must_use]
pub fn key_used() -> Status {
    Status::failed_precondition("the idempotency key was used for something else")
}

/// As many entries as are asked for, within limits.
#[must_use]
pub const fn size(asked: u32) -> u32 {
    match asked {
        0 => USUAL,
        MOST.. => MOST,
        asked => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn caller(subject: &str, role: &str) -> Caller {
        Caller {
            scope: Scope::Installation,
            subject: subject.to_owned(),
            role: role.to_owned(),
        }
    }

    #[test]
    fn what_no_table_can_hold_is_the_callers_mistake() {
        assert!(text("a\0b".to_owned(), "a note", 10).is_err());
        assert!(text("ññ".to_owned(), "a note", 1).is_err());
        assert!(needed("  ".to_owned(), "a note", 10).is_err());
        assert!(phone("12").is_err() && phone("").is_ok_and(|phone| phone.is_none()));
        assert!(id("x", "an order").is_err() && maybe("", "an order").is_ok_and(|id| id.is_none()));
    }

    #[test]
    fn a_command_is_known_by_all_that_it_says_and_by_who_says_it() {
        let digest = |subject: &str, said: &[&str]| {
            issued(&caller(subject, "agent"), "k".to_owned(), said)
                .unwrap()
                .digest
        };
        assert_eq!(digest("ana", &["a", "b"]), digest("ana", &["a", "b"]));
        assert_ne!(digest("ana", &["ab", ""]), digest("ana", &["a", "b"]));
        assert_ne!(digest("ana", &["a"]), digest("luis", &["a"]));
        let nobody = issued(&caller("ana", " "), "k".to_owned(), &[]).unwrap_err();
        assert_eq!(nobody.code(), tonic::Code::PermissionDenied);
    }

    #[test]
    fn a_list_has_as_many_entries_as_are_asked_for_within_limits() {
        assert_eq!([size(0), size(7), size(100), size(u32::MAX)], [50, 7, 100, 100]);
    }
}
