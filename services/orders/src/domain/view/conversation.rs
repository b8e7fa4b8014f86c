//! A conversation as it is shown, and how conversations are asked for.

use puente_types::{ClientId, ConversationId, EventId, PhoneEnding};
use time::OffsetDateTime;

use crate::domain::order::Reach;

/// Which conversations are wanted. What is empty does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// Only those of this client.
    pub client: Option<ClientId>,
    /// Only those whose contact is or ends in this number.
    pub phone: Option<PhoneEnding>,
}

/// What is shown of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// Its id.
    pub id: ConversationId,
    /// Between whom it goes on.
    pub reach: Reach,
    /// The client and its name, once it is known.
    pub client: Option<(ClientId, String)>,
    /// When it began.
    pub begun_at: OffsetDateTime,
    /// When the contact wrote last; `None` before the first message was worked.
    pub last_at: Option<OffsetDateTime>,
    /// Its place in the list.
    pub spoken_at: OffsetDateTime,
    /// Messages that wait for their turn.
    pub waiting: u32,
    /// The aggregate id of its messages' events.
    pub aggregate_id: String,
}

/// What is shown of a message that came in; what it said is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedView {
    /// The event that told of it.
    pub event: EventId,
    /// When it came.
    pub occurred_at: OffsetDateTime,
    /// When the bot worked it; `None` while it waits.
    pub worked_at: Option<OffsetDateTime>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}
