//! What is shown to who asks: orders, their facts, clients and conversations as they stand.

mod asset;
mod client;
mod conversation;
mod journal;
mod order;

use time::OffsetDateTime;
use uuid::Uuid;

pub use asset::{AssetFactView, AssetFilter, AssetKey, AssetSearch, AssetView};
pub use client::{ClientFilter, ClientView};
pub use conversation::{ConversationFilter, ConversationView, ReceivedView};
pub use journal::JournalView;
pub use order::{OrderCounts, OrderFilter, OrderKey, OrderSearch, OrderView};

/// A place in a list that is ordered by a moment and, within it, by an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The moment.
    pub at: OffsetDateTime,
    /// The id.
    pub id: Uuid,
}
