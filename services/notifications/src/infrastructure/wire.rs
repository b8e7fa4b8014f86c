//! Between our words and the protobuf events, both directions; pure.

use puente_proto::messaging::ReceiptState;
use puente_proto::notifications::{
    DeliveryState, MessageParked, MessageQueued, MessageStateChanged, Recipient,
};
use puente_proto::timestamp;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::state::State;
use crate::infrastructure::store::message::Row;

/// Who a message goes to, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct To {
    /// The provider's slug.
    pub(crate) provider: String,
    /// The tenant's connection.
    pub(crate) connection: String,
    /// The contact's id at the provider.
    pub(crate) contact_id: String,
    /// E.164, or empty.
    pub(crate) phone: String,
}

impl To {
    /// Of a request.
    pub(crate) fn from_recipient(recipient: Option<Recipient>) -> Self {
        let Recipient {
            provider,
            connection,
            contact_id,
            phone,
        } = recipient.unwrap_or_default();
        Self {
            provider,
            connection,
            contact_id,
            phone,
        }
        .completed()
    }

    /// Of an order's contact.
    pub(crate) fn from_contact(contact: Option<&puente_proto::orders::Contact>) -> Self {
        let contact = contact.cloned().unwrap_or_default();
        Self {
            provider: contact.provider,
            connection: contact.connection,
            contact_id: contact.contact_id,
            phone: contact.phone,
        }
        .completed()
    }

    /// Where no id at the provider is known, the digits of the phone are one.
    fn completed(mut self) -> Self {
        if self.contact_id.is_empty() {
            self.contact_id = self.phone.trim_start_matches('+').to_owned();
        }
        self
    }

    /// Whether a message can be addressed.
    pub(crate) fn is_complete(&self) -> bool {
        !self.provider.is_empty() && !self.connection.is_empty() && !self.contact_id.is_empty()
    }

    /// For events.
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient {
            provider: self.provider.clone(),
            connection: self.connection.clone(),
            contact_id: self.contact_id.clone(),
            phone: self.phone.clone(),
        }
    }
}

/// A receipt's state in our words; `None` for one that we do not know.
pub(crate) fn told(state: i32) -> Option<State> {
    match ReceiptState::try_from(state).ok()? {
        ReceiptState::Unspecified => None,
        ReceiptState::Sent => Some(State::Sent),
        ReceiptState::Delivered => Some(State::Delivered),
        ReceiptState::Read => Some(State::Read),
        ReceiptState::Failed => Some(State::Failed),
    }
}

/// A state for events.
pub(crate) const fn delivery(state: State) -> DeliveryState {
    match state {
        State::Queued => DeliveryState::Queued,
        State::Sent => DeliveryState::Sent,
        State::Delivered => DeliveryState::Delivered,
        State::Read => DeliveryState::Read,
        State::Failed => DeliveryState::Failed,
    }
}

/// A state that somebody asks for; `None` for one that a message cannot have.
pub(crate) fn asked(state: i32) -> Option<State> {
    match DeliveryState::try_from(state).ok()? {
        DeliveryState::Unspecified => None,
        DeliveryState::Queued => Some(State::Queued),
        DeliveryState::Sent => Some(State::Sent),
        DeliveryState::Delivered => Some(State::Delivered),
        DeliveryState::Read => Some(State::Read),
        DeliveryState::Failed => Some(State::Failed),
    }
}

/// A message was accepted.
pub(crate) fn queued(id: impl ToString, to: &To, template: &str, about: &str, form: &str) -> MessageQueued {
    MessageQueued {
        message_id: id.to_string(),
        recipient: Some(to.recipient()),
        template: template.to_owned(),
        about: about.to_owned(),
        form: form.to_owned(),
    }
}

/// A message moved.
pub(crate) fn moved(row: &Row, before: Option<State>, at: OffsetDateTime) -> MessageStateChanged {
    MessageStateChanged {
        message_id: row.id.to_string(),
        about: row.about.clone(),
        before: before.map_or(DeliveryState::Unspecified, delivery).into(),
        after: delivery(row.state).into(),
        provider_message_id: row.provider_message_id.clone().unwrap_or_default(),
        error_code: row.error_code.clone().unwrap_or_default(),
        error_tag: row.error_tag.clone().unwrap_or_default(),
        billable: row.billable,
        price_category: row.price_category.clone().unwrap_or_default(),
        changed_at: Some(timestamp(at)),
        asked_by: row.cause.to_string(),
    }
}

/// A message's outcome is in doubt.
pub(crate) fn parked(row: &Row, effect_id: impl ToString, reason: &str) -> MessageParked {
    MessageParked {
        message_id: row.id.to_string(),
        about: row.about.clone(),
        effect_id: effect_id.to_string(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_without_an_id_is_addressed_by_phone() {
        let recipient = Recipient {
            provider: "chat".into(),
            connection: "c".into(),
            phone: "+573001234567".into(),
            ..Recipient::default()
        };
        let to = To::from_recipient(Some(recipient));
        assert_eq!(to.contact_id, "573001234567");
        assert!(to.is_complete());
        assert!(!To::from_recipient(None).is_complete());
    }

    #[test]
    fn unknown_receipt_states_are_left_alone() {
        assert_eq!(told(99), None);
        assert_eq!(told(ReceiptState::Unspecified.into()), None);
        assert_eq!(told(ReceiptState::Read.into()), Some(State::Read));
    }
}
