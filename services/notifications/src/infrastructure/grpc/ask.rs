//! What is asked is read as everywhere (`puente_rpc::asked`), where an empty word restricts nothing; and why it is not
//! answered.

use puente_operations::refusal;
use puente_rpc::asked;
pub(super) use puente_rpc::asked::{id, phone};
use tonic::Status;

/// Longer than any id of ours or of a provider.
const MAX_WORD: usize = 512;

/// A word, where nothing restricts nothing.
pub(super) fn word(given: String, what: &str) -> Result<Option<String>, Status> {
    let word = asked::text(given, what, MAX_WORD)?;
    Ok(Some(word).filter(|word| !word.is_empty()))
}

/// A word that must be there.
pub(super) fn needed(given: String, what: &str) -> Result<String, Status> {
    asked::needed(given, what, MAX_WORD)
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

/// What the database says.
pub(super) fn failed(error: sqlx::Error) -> Status {
    refusal::database(error, "messages")
}
