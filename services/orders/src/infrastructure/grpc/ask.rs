//! Reading what is asked, and saying why it is not answered.
//!
//! Nothing that a caller sends reaches a table unchecked: what no table can hold, or what means nothing, is the
//! caller's mistake and is told so.

use puente_rpc::{Caller, cursor};
use puente_types::PhoneEnding;
use tonic::Status;
use uuid::Uuid;

use crate::domain::error::StoreError;
use crate::domain::view::Place;

/// An id of the kind that is wanted. `what` names it: `an order`.
pub(super) fn id<I: From<Uuid>>(text: &str, what: &str) -> Result<I, Status> {
    let id = Uuid::try_parse(text).map_err(|_| Status::invalid_argument(format!("give the id of {what}")))?;
    Ok(id.into())
}

/// The same, where nothing restricts nothing.
pub(super) fn optional_id<I: From<Uuid>>(text: &str, what: &str) -> Result<Option<I>, Status> {
    Some(text)
        .filter(|text| !text.is_empty())
        .map(|text| id(text, what))
        .transpose()
}

/// A number or its end, where nothing restricts nothing.
pub(super) fn phone(text: &str) -> Result<Option<PhoneEnding>, Status> {
    Some(text)
        .filter(|text| !text.is_empty())
        .map(PhoneEnding::parse)
        .transpose()
        .map_err(|error| Status::invalid_argument(error.to_string()))
}

/// A place in a list.
pub(super) fn place(kind: u8, text: &str) -> Result<Option<Place>, Status> {
    Ok(cursor::moment(kind, text)?.map(|(at, id)| Place { at, id }))
}

/// A word or a sentence of at most `most` characters.
pub(super) fn text(given: String, what: &str, most: usize) -> Result<String, Status> {
    if given.chars().count() > most || given.contains('\0') {
        let problem = format!("{what} has at most {most} characters, none of them NUL");
        Err(Status::invalid_argument(problem))
    } else {
        Ok(given)
    }
}

/// Which role may do what is decided where people log in; here a command only has to come from somebody with a role.
pub(super) fn somebody(caller: &Caller) -> Result<(), Status> {
    if caller.role.trim().is_empty() {
        Err(Status::permission_denied("a command needs somebody with a role"))
    } else {
        Ok(())
    }
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
