//! What is asked is read as everywhere (`puente_rpc::asked`); here is why it is not answered.

use puente_operations::refusal;
use puente_outbox::{ApplyError, OutboxError};
use puente_ports::ProviderError;
pub(super) use puente_rpc::asked::{id, issued};
use tonic::Status;

/// What is asked for here.
const WHAT: &str = "tasks";

/// The tenant has no such task.
pub(super) fn unknown() -> Status {
    Status::not_found("the order has no task")
}

/// Nothing keeps the tenant's tasks.
pub(super) fn unconnected(error: &ProviderError) -> Status {
    Status::failed_precondition(format!("{}: {}", error.code(), error.detail()))
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
