//! What is asked is read as everywhere (`puente_rpc::asked`); here is why it is not answered.

use puente_operations::refusal;
pub(super) use puente_operations::refusal::provider;
use puente_outbox::{ApplyError, OutboxError};
pub(super) use puente_rpc::asked::{id, issued, needed, text};
use tonic::Status;

use crate::domain::signature::Refused;
use crate::infrastructure::work::Trouble;

/// What is asked for here.
const WHAT: &str = "signatures";

/// There is none of this key in the tenant.
pub(super) fn unknown() -> Status {
    Status::not_found("there is no such request")
}

/// What may not be done now.
pub(super) fn refused(refused: Refused) -> Status {
    Status::failed_precondition(refused.to_string())
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
