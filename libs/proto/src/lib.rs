//! The typed events of Puente, their catalogue, and the subjects they travel on.
//!
//! Everything here comes from `proto/`: an event is a message that carries the `puente.options.v1.event` option.

pub mod json;
mod subject;

pub use subject::{Subject, SubjectError, filter};

#[expect(
    missing_docs,
    clippy::doc_markdown,
    clippy::all,
    reason = "generated from proto/, documented there"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/all.rs"));
}

pub use generated::puente;
pub use puente::{
    clients::v1 as clients, documents::v1 as documents, ingress::v1 as ingress, messaging::v1 as messaging,
    notifications::v1 as notifications, ocr::v1 as ocr, operations::v1 as operations, orders::v1 as orders,
    signature::v1 as signature, signing::v1 as signing, sync::v1 as sync, tasks::v1 as tasks,
};

/// All files of `proto/` with their comments, for decoding without our code and for the generated documents.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// One line of the event catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Full protobuf name: `puente.orders.v1.OrderOpened`. Travels as `ce-type`.
    pub name: &'static str,
    /// Fourth token of the subject.
    pub domain: &'static str,
    /// Fifth token of the subject.
    pub entity: &'static str,
    /// Sixth token of the subject.
    pub verb: &'static str,
    /// The service that publishes it.
    pub owner: &'static str,
    /// What it means, from the proto file.
    pub about: &'static str,
}

/// A protobuf message that is published as an event.
pub trait Event: prost::Message + Default + Send + Sync + 'static {
    /// Its line in the catalogue.
    const TYPE: EventType;
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Finds an event by its full protobuf name.
#[must_use]
pub fn find(name: &str) -> Option<&'static EventType> {
    CATALOGUE
        .binary_search_by(|entry| entry.name.cmp(name))
        .ok()
        .and_then(|at| CATALOGUE.get(at))
}

/// An instant as protobuf wants it.
#[must_use]
pub fn timestamp(at: time::OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or(0),
    }
}

/// An instant from protobuf; `None` when it is out of range.
#[must_use]
pub fn instant(at: &prost_types::Timestamp) -> Option<time::OffsetDateTime> {
    let base = time::OffsetDateTime::from_unix_timestamp(at.seconds).ok()?;
    base.checked_add(time::Duration::nanoseconds(i64::from(at.nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_subject_and_a_meaning() {
        assert!(CATALOGUE.len() >= 8);
        for event in CATALOGUE {
            assert!(!event.about.is_empty() && !event.owner.is_empty(), "{event:?}");
            assert_eq!(find(event.name), Some(event));
            for token in [event.domain, event.entity, event.verb] {
                assert!(
                    token.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{token}"
                );
            }
        }
    }
}
