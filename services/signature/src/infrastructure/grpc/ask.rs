//! Reading what is asked, and saying why it is not answered.
//!
//! Nothing that a caller sends reaches a table unchecked: what no table can hold, or what means nothing, is the caller's
//! mistake and is told so.

use puente_outbox::{ApplyError, OutboxError};
use puente_ports::{ErrorTag, ProviderError};
use puente_rpc::Caller;
use sha2::{Digest as _, Sha256};
use tonic::Status;
use uuid::Uuid;

use crate::domain::signature::Refused;
use crate::infrastructure::store::command::Issued;
use crate::infrastructure::work::Trouble;

/// Longest idempotency key.
const MAX_KEY: usize = 200;

/// An id. `what` names it: `a request`.
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
    Status::not_found("there is no such request")
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
        _ => Status::unavailable("signatures cannot be reached now"),
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

/// What a provider, or the store of documents, says.
pub(super) fn provider(error: &ProviderError) -> Status {
    let problem = format!("{}: {}", error.code(), error.detail());
    match error.tag() {
        ErrorTag::Temporary => Status::unavailable(problem),
        ErrorTag::Permanent | ErrorTag::Configuration => Status::failed_precondition(problem),
    }
}

/// What work for a caller says.
pub(super) fn troubled(trouble: Trouble) -> Status {
    match trouble {
        Trouble::Provider(error) => provider(&error),
        Trouble::Database(error) => failed(error),
        Trouble::Outbox(error) => uncommitted(error),
        Trouble::Apply(error) => unapplied(error),
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
