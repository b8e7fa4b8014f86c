//! Messages that wait for their conversation's turn.
//!
//! A message is put in the queue when its event arrives. What was received before it may have come by another
//! replica's relay and still be under way: ingress counts the messages of a conversation without a gap, and a message is
//! worked at once when nothing is missing before it. Where something is missing, or nothing was counted, it waits a
//! moment, and not for ever. Within a conversation messages are worked by their receipt sequence, under the lock of the
//! conversation's row; conversations go in parallel.

mod arrive;
mod trouble;
mod turn;

use puente_proto::instant;
use puente_proto::messaging::MessageReceived;
use time::OffsetDateTime;

pub(crate) use arrive::{pass, put};
pub(crate) use trouble::{bury_first, failed, purge};
pub(crate) use turn::{After, Claimed, Waiting, awaits, claim, next_due, waiting, worked};

/// When a message was written, as far as the provider's clock can be believed.
fn written_at(message: &MessageReceived, occurred_at: OffsetDateTime) -> OffsetDateTime {
    message
        .sent_at
        .as_ref()
        .and_then(instant)
        .map_or(occurred_at, |sent| sent.min(occurred_at))
}
