//! What a caller is told when the database, the transaction of a command or a provider gives no answer.

use puente_outbox::{ApplyError, OutboxError, is_passing};
use puente_ports::{ErrorTag, ProviderError};
use tonic::Status;

/// The caller learns whether asking again helps; the log learns why. `what` names what was asked for: `captures`.
#[must_use]
pub fn database(error: sqlx::Error, what: &str) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a call was not answered"
    );
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            Status::internal("what is stored cannot be read")
        }
        error if !is_passing(&error) => Status::internal("the question cannot be answered"),
        _ => Status::unavailable(format!("{what} cannot be reached now")),
    }
}

/// The transaction of a command could not be committed.
#[must_use]
pub fn uncommitted(error: OutboxError, what: &str) -> Status {
    match error {
        OutboxError::Database(error) => database(error, what),
        OutboxError::SlotLost => again(),
    }
}

/// A change could not be written.
#[must_use]
pub fn unapplied(error: ApplyError, what: &str) -> Status {
    match error {
        ApplyError::Database(error) => database(error, what),
        ApplyError::Retry(_) | ApplyError::Passing(_) | ApplyError::Early => again(),
        ApplyError::Dead(reason) => Status::internal(reason),
    }
}

/// What a provider, or the store of documents, says.
#[must_use]
pub fn provider(error: &ProviderError) -> Status {
    let problem = format!("{}: {}", error.code(), error.detail());
    match error.tag() {
        ErrorTag::Temporary => Status::unavailable(problem),
        ErrorTag::Permanent | ErrorTag::Configuration => Status::failed_precondition(problem),
    }
}

fn again() -> Status {
    Status::unavailable("the command is to be repeated")
}
