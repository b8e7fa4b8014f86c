//! Which documents a service keeps, as data.

use puente_blob::{Container, MediaType};

/// The rule for one kind of document about one kind of thing.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// What they are: `contract`, `arl` …
    pub kind: &'static str,
    /// What they are about: `order`, `service_provider`, `asset`.
    pub about: &'static str,
    /// Where their bytes are.
    pub container: Container,
    /// What they may be by content.
    pub media: &'static [MediaType],
    /// The largest.
    pub max_bytes: usize,
    /// Whether a newer one takes the place of the former; if not, all are in force.
    pub one: bool,
    /// Whether people may bring them by [`RecordDocument`](puente_proto::documents::RecordDocumentRequest). What the
    /// program makes, or a provider vouches for, they may not.
    pub from_people: bool,
}
