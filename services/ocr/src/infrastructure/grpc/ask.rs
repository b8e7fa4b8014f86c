//! What is asked is read as everywhere (`puente_rpc::asked`); here is why it is not answered.

use puente_blob::BlobError;
use puente_operations::refusal;
use puente_outbox::{ApplyError, OutboxError};
pub(super) use puente_rpc::asked::{id, issued, key_used, maybe, needed, size, text};
use tonic::Status;

use crate::domain::capture::Refused;

/// What is asked for here.
const WHAT: &str = "captures";

/// There is none of this key in the tenant.
pub(super) fn unknown() -> Status {
    Status::not_found("there is no such capture")
}

/// What may not be done now.
pub(super) fn refused(refused: Refused) -> Status {
    Status::failed_precondition(refused.to_string())
}

/// What the store of documents says.
pub(super) fn stored(error: BlobError) -> Status {
    match error {
        BlobError::NotFound | BlobError::Tampered => {
            Status::failed_precondition("the stored file is not what is claimed of it")
        }
        BlobError::TooLarge { .. } => Status::invalid_argument(error.to_string()),
        other => refusal::provider(&other.into()),
    }
}

/// What the database says.
pub(super) fn failed(error: sqlx::Error) -> Status {
    refusal::database(error, WHAT)
}

/// What the transaction of a command says.
pub(super) fn uncommitted(error: OutboxError) -> Status {
    refusal::uncommitted(error, WHAT)
}

/// What a change says.
pub(super) fn unapplied(error: ApplyError) -> Status {
    refusal::unapplied(error, WHAT)
}
