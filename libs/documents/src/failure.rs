//! What a caller is told when the answer is none.

use puente_blob::BlobError;
use puente_outbox::OutboxError;
use tonic::Status;

use crate::RecordError;

/// The caller learns whether asking again helps; the log learns why.
pub(crate) fn database(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::warn!(error, "documents were not read or written");
    match error.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
            Status::internal("a row cannot be read")
        }
        _ => Status::unavailable("the tables cannot be reached now"),
    }
}

pub(crate) fn outbox(error: &OutboxError) -> Status {
    database(error)
}

pub(crate) fn record(error: RecordError) -> Status {
    match error {
        RecordError::Refused(why) => Status::invalid_argument(why),
        RecordError::Database(error) => database(&error),
    }
}

/// The stored file was looked at.
pub(crate) fn blob(error: &BlobError) -> Status {
    match error {
        BlobError::NotFound => Status::failed_precondition("no such file was stored"),
        BlobError::AlreadyExists | BlobError::Tampered | BlobError::TooLarge { .. } => not_as_claimed(),
        BlobError::Configuration { .. } | BlobError::Unavailable { .. } => {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "a stored file could not be looked at");
            Status::unavailable("the storage cannot be reached now")
        }
    }
}

pub(crate) fn not_as_claimed() -> Status {
    Status::failed_precondition("the stored file is not what was said")
}
