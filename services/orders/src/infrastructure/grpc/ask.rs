//! What is asked is read as everywhere (`puente_rpc::asked`), into our own ids and places; and why it is not answered.

pub(super) use puente_rpc::asked::{phone, somebody, text};
use puente_rpc::{asked, cursor};
use tonic::Status;
use uuid::Uuid;

use crate::domain::error::StoreError;
use crate::domain::view::Place;

/// An id of the kind that is wanted. `what` names it: `an order`.
pub(super) fn id<I: From<Uuid>>(given: &str, what: &str) -> Result<I, Status> {
    asked::id(given, what).map(I::from)
}

/// The same, where nothing restricts nothing.
pub(super) fn optional_id<I: From<Uuid>>(given: &str, what: &str) -> Result<Option<I>, Status> {
    Ok(asked::maybe(given, what)?.map(I::from))
}

/// A place in a list.
pub(super) fn place(kind: u8, text: &str) -> Result<Option<Place>, Status> {
    Ok(cursor::moment(kind, text)?.map(|(at, id)| Place { at, id }))
}

/// The id of a stored trace, or nothing.
pub(super) fn trace(traceparent: Option<&str>) -> String {
    traceparent
        .and_then(puente_telemetry::trace_id)
        .unwrap_or_default()
        .to_owned()
}

/// The caller learns whether asking again helps; the log learns why.
pub(super) fn failed(error: StoreError) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a call was not answered"
    );
    match error {
        StoreError::Unavailable(_) => Status::unavailable("orders cannot be read now"),
        StoreError::Corrupt(_) => Status::internal("what is stored cannot be read"),
    }
}
