//! Answers of services for scripts, in protobuf's JSON form, and what tables need of them.

use prost::Message;
use puente_proto::json;
use serde_json::Value;

use crate::exit::Done;

/// An answer as JSON under the names of its proto file. `name` is its full protobuf name.
pub(crate) fn value(name: &'static str, message: &impl Message) -> Done<Value> {
    Ok(json::message(name, &message.encode_to_vec())?)
}

/// A time for a table; empty when there is none.
pub(crate) fn time(at: Option<&prost_types::Timestamp>) -> String {
    at.and_then(puente_proto::instant)
        .map(crate::when::second)
        .unwrap_or_default()
}
