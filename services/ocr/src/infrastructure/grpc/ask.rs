//! Reading what is asked, and saying why it is not answered.
//!
//! Nothing that a caller sends reaches a table unchecked: what no table can hold, or what means nothing, is the caller's
//! mistake and is told so.

use puente_blob::BlobError;
use puente_outbox::{ApplyError, OutboxError};
use puente_ports::{ErrorTag, ProviderError};
use puente_rpc::Caller;
use sha2::{Digest as _, Sha256};
use tonic::Status;
use uuid::Uuid;

use crate::domain::capture::Refused;
use crate::infrastructure::store::command::Issued;

/// Entries in one part of a list when nobody says how many, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;
/// Longest idempotency key.
const MAX_KEY: usize = 200;

/// An id. `what` names it: `a capture`.
pub(super) fn id(given: &str, what: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(given).map_err(|_| Status::invalid_argument(format!("give the id of {what}")))
}

/// A text of at most `most` characters that a table can hold.
pub(super) fn text(given: String, what: &str, most: usize) -> Result<String, Status> {
    if given.chars().count() > most || given.contains('\0') {
        let problem = format!("{what} has at most {most} characters, none of them NUL");
        return Err(Status::invalid_argument(problem));
    }
    Ok(given)
}

/// The same, and not empty.
pub(super) fn needed(given: String, what: &str, most: usize) -> Result<String, Status> {
    if given.trim().is_empty() {
        return Err(Status::invalid_argument(format!("give {what}")));
    }
    text(given, what, most)
}

/// A command of somebody with a role, under its key. `said` is everything that it says.
pub(super) fn issued(caller: &Caller, key: String, said: &[&str]) -> Result<Issued, Status> {
    if caller.role.trim().is_empty() {
        return Err(Status::permission_denied("a command needs somebody with a role"));
    }
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

/// There is none of this key in the tenant.
pub(super) fn unknown() -> Status {
    Status::not_found("there is no such capture")
}

/// What may not be done now.
pub(super) fn refused(refused: Refused) -> Status {
    Status::failed_precondition(refused.to_string())
}

/// The caller learns whether asking again helps; the log learns why.
pub(super) fn failed(error: sqlx::Error) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a call was not answered"
    );
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            Status::internal("what is stored cannot be read")
        }
        sqlx::Error::Database(answer) if !is_passing(answer.code().as_deref()) => {
            Status::internal("the question cannot be answered")
        }
        _ => Status::unavailable("captures cannot be reached now"),
    }
}

/// What the transaction of a command says.
pub(super) fn uncommitted(error: OutboxError) -> Status {
    match error {
        OutboxError::Database(error) => failed(error),
        OutboxError::SlotLost => Status::unavailable("the command is to be repeated"),
    }
}

/// What a change of a request says.
pub(super) fn unapplied(error: ApplyError) -> Status {
    match error {
        ApplyError::Database(error) => failed(error),
        ApplyError::Retry(_) | ApplyError::Early => Status::unavailable("the command is to be repeated"),
        ApplyError::Dead(reason) => Status::internal(reason),
    }
}

/// What the store of documents says.
pub(super) fn stored(error: BlobError) -> Status {
    match error {
        BlobError::NotFound | BlobError::Tampered => {
            Status::failed_precondition("the stored file is not what is claimed of it")
        }
        BlobError::TooLarge { .. } => Status::invalid_argument(error.to_string()),
        other => {
            let error = ProviderError::from(other);
            let problem = format!("{}: {}", error.code(), error.detail());
            match error.tag() {
                ErrorTag::Temporary => Status::unavailable(problem),
                ErrorTag::Permanent | ErrorTag::Configuration => Status::failed_precondition(problem),
            }
        }
    }
}

/// An id, or none.
pub(super) fn maybe(given: &str, what: &str) -> Result<Option<Uuid>, Status> {
    Some(given)
        .filter(|given| !given.is_empty())
        .map(|given| id(given, what))
        .transpose()
}

/// As many as are asked for, within limits.
pub(super) const fn size(asked: u32) -> u32 {
    match asked {
        0 => USUAL,
        MOST.. => MOST,
        asked => asked,
    }
}

/// Classes of SQLSTATE that pass by themselves: connection, rollback, resources, operator, system.
fn is_passing(code: Option<&str>) -> bool {
    code.is_none_or(|code| {
        ["08", "40", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class))
    })
}

/// The key of a command says something else already.
pub(super) fn key_used() -> Status {
    Status::failed_precondition("the idempotency key was used for something else")
}
