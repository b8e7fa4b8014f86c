//! What lies in a container, page by page: for whoever compares it with what was recorded.
//!
//! The service lists with its own credential. No link lists, and none is made for it.

use time::OffsetDateTime;

use crate::BlobKey;

/// Objects of one page at most; what Azure and S3 give without being asked for less.
pub const MOST_LISTED: usize = 1_000;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name in the container: a key of ours, or whatever somebody else put there.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// When it was written, by the store's clock.
    pub stored_at: OffsetDateTime,
}

impl Object {
    /// Its name as a key; `None` for a name that is none.
    #[must_use]
    pub fn key(&self) -> Option<BlobKey> {
        BlobKey::parse(&self.name).ok()
    }
}

/// A part of a container's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Each of them once, if nothing is written or deleted meanwhile.
    pub objects: Vec<Object>,
    /// Where the next page begins, in the store's own words; `None` at the end.
    pub next: Option<String>,
}
