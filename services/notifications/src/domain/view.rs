//! Messages as they are shown to who asks, and how they are asked for.

use puente_types::{MessageId, PhoneEnding};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::State;

/// Which messages are wanted. What is empty does not restrict.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// What they are about.
    pub(crate) about: Option<String>,
    /// The connection they go by.
    pub(crate) connection: Option<String>,
    /// The contact they go to.
    pub(crate) contact_id: Option<String>,
    /// Only those in one of these states.
    pub(crate) states: Vec<State>,
    /// Only those of this trace.
    pub(crate) trace_id: Option<String>,
    /// Only those whose outcome nobody knows.
    pub(crate) parked: bool,
    /// Only those that answer this event.
    pub(crate) cause: Option<Uuid>,
    /// Only those to this number.
    pub(crate) phone: Option<PhoneEnding>,
}

/// A place in the list: when a message was asked for, and its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: OffsetDateTime,
    pub(crate) id: Uuid,
}

/// What is shown of a message.
#[derive(Debug, Clone)]
pub(crate) struct MessageView {
    pub(crate) id: MessageId,
    pub(crate) about: String,
    pub(crate) cause: Uuid,
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) contact_id: String,
    /// E.164; empty when it was not known.
    pub(crate) phone: String,
    pub(crate) template: String,
    pub(crate) form: String,
    pub(crate) state: State,
    pub(crate) provider_message_id: Option<String>,
    /// Code, tag and note of a failure.
    pub(crate) error_code: Option<String>,
    pub(crate) error_tag: Option<String>,
    pub(crate) error_note: Option<String>,
    pub(crate) parked: bool,
    pub(crate) effect_key: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) cost_minor: Option<i64>,
    pub(crate) cost_currency: Option<String>,
    pub(crate) queued_at: OffsetDateTime,
    /// When it last moved.
    pub(crate) changed_at: OffsetDateTime,
}

/// A state that a message was seen in.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) state: State,
    pub(crate) at: OffsetDateTime,
    /// What told of it.
    pub(crate) source: String,
}

/// What became of the messages that were asked for in one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Asked for.
    pub(crate) queued: u64,
    /// Taken by the provider, or further.
    pub(crate) sent: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// In doubt.
    pub(crate) parked: u64,
}
