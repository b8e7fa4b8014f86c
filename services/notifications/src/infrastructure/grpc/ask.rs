//! Reading what is asked, and saying why it is not answered.
//!
//! Nothing that a caller sends reaches a table unchecked: what no table can hold, or what means nothing, is the
//! caller's mistake and is told so.

use puente_types::PhoneEnding;
use tonic::Status;
use uuid::Uuid;

/// Longer than any id of ours or of a provider.
const MAX_WORD: usize = 512;

/// A word, where nothing restricts nothing.
pub(super) fn word(given: String, what: &str) -> Result<Option<String>, Status> {
    if given.len() > MAX_WORD || given.contains('\0') {
        let problem = format!("{what} has at most {MAX_WORD} bytes, none of them NUL");
        return Err(Status::invalid_argument(problem));
    }
    Ok(Some(given).filter(|given| !given.is_empty()))
}

/// A word that must be there.
pub(super) fn needed(given: String, what: &str) -> Result<String, Status> {
    word(given, what)?.ok_or_else(|| Status::invalid_argument(format!("give {what}")))
}

/// An id. `what` names it: `a message`.
pub(super) fn id(given: &str, what: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(given).map_err(|_| Status::invalid_argument(format!("give the id of {what}")))
}

/// A trace's id, where nothing restricts nothing.
pub(super) fn trace(given: &str) -> Result<Option<String>, Status> {
    if given.is_empty() {
        return Ok(None);
    }
    if given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(Some(given.to_ascii_lowercase()))
    } else {
        Err(Status::invalid_argument("a trace's id is 32 hex digits"))
    }
}

/// A number or its end, where nothing restricts nothing.
pub(super) fn phone(given: &str) -> Result<Option<PhoneEnding>, Status> {
    Some(given)
        .filter(|given| !given.is_empty())
        .map(PhoneEnding::parse)
        .transpose()
        .map_err(|error| Status::invalid_argument(error.to_string()))
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
        _ => Status::unavailable("messages cannot be read now"),
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
