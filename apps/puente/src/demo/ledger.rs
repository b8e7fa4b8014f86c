//! What the fleet's events add up to: per contact, per message, per trace.
//!
//! The demo judges by this and by the simulators' journal, never by what a service says of itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use puente_bus::Envelope;
use puente_proto::messaging::{MessageReceived, ReceiptChanged};
use puente_proto::notifications::{DeliveryState, MessageParked, MessageQueued, MessageStateChanged};
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::{ClientRegistered, OrderOpened, OrderStateChanged};
use puente_proto::signature::EnvelopeSent;

/// Where the capture of a plate ends that was read with certainty.
const READ: &str = "Leido";

/// A message that the fleet decided to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Its id.
    pub(crate) message_id: String,
    /// The key of its text.
    pub(crate) template: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its id.
    pub(crate) id: String,
    /// Its number for people.
    pub(crate) number: String,
    /// The trace that it was opened in.
    pub(crate) trace: Option<String>,
}

/// Everything seen so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    queued: HashMap<String, Vec<Queued>>,
    /// By the message's version: two events of one message may overtake each other on their way here.
    states: HashMap<String, BTreeMap<i64, DeliveryState>>,
    orders: HashMap<String, Vec<Opened>>,
    clients: HashMap<String, usize>,
    heard: HashMap<String, usize>,
    traces: HashMap<String, BTreeSet<&'static str>>,
    receipts: HashMap<String, usize>,
    /// By order: where it last came to.
    places: HashMap<String, String>,
    /// By order: the envelopes that left for their signers.
    envelopes: HashMap<String, BTreeSet<String>>,
    parked: usize,
    /// The traces that plates were read in.
    plates: Vec<String>,
}

impl Ledger {
    /// Notes an event. One that cannot be decoded is passed over: the services have dead letters for it.
    pub(crate) fn note(&mut self, envelope: &Envelope) {
        if let Some(trace) = trace_of(envelope) {
            self.traces.entry(trace).or_default().insert(envelope.event.name);
        }
        if let Ok(event) = envelope.decode::<MessageReceived>() {
            *self.heard.entry(event.contact_id).or_default() += 1;
        } else if let Ok(event) = envelope.decode::<ClientRegistered>() {
            *self
                .clients
                .entry(event.phone.trim_start_matches('+').to_owned())
                .or_default() += 1;
        } else if let Ok(event) = envelope.decode::<OrderOpened>() {
            let contact = event.contact.unwrap_or_default().contact_id;
            let opened = Opened {
                id: event.order_id,
                number: event.number,
                trace: trace_of(envelope),
            };
            self.orders.entry(contact).or_default().push(opened);
        } else if let Ok(event) = envelope.decode::<MessageQueued>() {
            let contact = event.recipient.unwrap_or_default().contact_id;
            let queued = Queued {
                message_id: event.message_id,
                template: event.template,
            };
            self.queued.entry(contact).or_default().push(queued);
        } else if let Ok(event) = envelope.decode::<MessageStateChanged>() {
            let after = event.after();
            let version = envelope.aggregate_version.unwrap_or(0);
            self.states
                .entry(event.message_id)
                .or_default()
                .insert(version, after);
        } else if let Ok(event) = envelope.decode::<OrderStateChanged>() {
            self.places.insert(event.order_id, event.after);
        } else if let Ok(event) = envelope.decode::<EnvelopeSent>() {
            self.envelopes
                .entry(event.order_id)
                .or_default()
                .insert(event.envelope_id);
        } else if let Ok(event) = envelope.decode::<CaptureStateChanged>() {
            if event.after == READ {
                self.plates.extend(trace_of(envelope));
            }
        } else if envelope.decode::<MessageParked>().is_ok() {
            self.parked += 1;
        } else if let Ok(event) = envelope.decode::<ReceiptChanged>() {
            *self.receipts.entry(event.provider).or_default() += 1;
        }
    }

    /// The `n`-th message to a contact, counted from 0.
    pub(crate) fn message_to(&self, contact: &str, n: usize) -> Option<Queued> {
        self.queued.get(contact)?.get(n).cloned()
    }

    /// How many messages were to go to a contact.
    pub(crate) fn messages_to(&self, contact: &str) -> usize {
        self.queued.get(contact).map_or(0, Vec::len)
    }

    /// Whether a message has come at least so far.
    pub(crate) fn reached(&self, message: &str, state: DeliveryState) -> bool {
        self.states
            .get(message)
            .is_some_and(|states| states.values().any(|seen| *seen as i32 >= state as i32))
    }

    /// Whether all messages to a contact have been read.
    pub(crate) fn all_read(&self, contact: &str) -> bool {
        let read = |queued: &Queued| self.last_state(&queued.message_id) == Some(DeliveryState::Read);
        self.queued
            .get(contact)
            .is_none_or(|queued| queued.iter().all(read))
    }

    fn last_state(&self, message: &str) -> Option<DeliveryState> {
        self.states
            .get(message)?
            .last_key_value()
            .map(|(_, state)| *state)
    }

    /// Messages whose state ever went back.
    pub(crate) fn moved_back(&self) -> usize {
        let rises = |states: &&BTreeMap<i64, DeliveryState>| {
            states
                .values()
                .is_sorted_by(|one, next| (**one as i32) < (**next as i32))
        };
        self.states.values().filter(|states| !rises(states)).count()
    }

    /// The orders of a contact.
    pub(crate) fn orders_of(&self, contact: &str) -> &[Opened] {
        self.orders.get(contact).map_or(&[], Vec::as_slice)
    }

    /// Whether an order last came to this state.
    pub(crate) fn stands(&self, order: &str, state: &str) -> bool {
        self.places.get(order).is_some_and(|place| place == state)
    }

    /// The envelopes of an order.
    pub(crate) fn envelopes_of(&self, order: &str) -> BTreeSet<String> {
        self.envelopes.get(order).cloned().unwrap_or_default()
    }

    /// How often a contact was registered.
    pub(crate) fn registered(&self, contact: &str) -> usize {
        self.clients.get(contact).copied().unwrap_or(0)
    }

    /// How many messages of a contact became events.
    pub(crate) fn heard_from(&self, contact: &str) -> usize {
        self.heard.get(contact).copied().unwrap_or(0)
    }

    /// The kinds of events in a trace.
    pub(crate) fn in_trace(&self, trace: &str) -> BTreeSet<&'static str> {
        self.traces.get(trace).cloned().unwrap_or_default()
    }

    /// The receipts of a provider that became events.
    pub(crate) fn receipts(&self, provider: &str) -> usize {
        self.receipts.get(provider).copied().unwrap_or(0)
    }

    /// The trace of the last plate that was read.
    pub(crate) fn read_plate(&self) -> Option<String> {
        self.plates.last().cloned()
    }

    /// Sends whose outcome nobody knows.
    pub(crate) fn parked(&self) -> usize {
        self.parked
    }
}

/// The trace that an event belongs to.
pub(crate) fn trace_of(envelope: &Envelope) -> Option<String> {
    puente_telemetry::trace_id(envelope.traceparent.as_deref()?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use puente_proto::notifications::Recipient;
    use puente_proto::{Event, find};

    use super::*;

    fn event<E: Event>(event: &E) -> Envelope {
        Envelope {
            id: puente_types::EventId::new(),
            tenant: "algesta".parse().unwrap(),
            event: find(E::TYPE.name).unwrap(),
            source: "test".to_owned(),
            aggregate_id: "a".to_owned(),
            aggregate_version: None,
            cause: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            occurred_at: time::OffsetDateTime::UNIX_EPOCH,
            replay: false,
            payload: event.encode_to_vec().into(),
        }
    }

    fn queued(contact: &str, id: &str) -> Envelope {
        let recipient = Some(Recipient {
            contact_id: contact.to_owned(),
            ..Recipient::default()
        });
        event(&MessageQueued {
            message_id: id.to_owned(),
            recipient,
            ..MessageQueued::default()
        })
    }

    fn moved(id: &str, version: i64, after: DeliveryState) -> Envelope {
        let moved = MessageStateChanged {
            message_id: id.to_owned(),
            after: after.into(),
            ..MessageStateChanged::default()
        };
        Envelope {
            aggregate_version: Some(version),
            ..event(&moved)
        }
    }

    #[test]
    fn a_contact_has_read_everything_only_when_every_message_ended_so() {
        let mut ledger = Ledger::default();
        ledger.note(&queued("57300", "m1"));
        ledger.note(&queued("57300", "m2"));
        ledger.note(&moved("m1", 2, DeliveryState::Sent));
        assert!(ledger.reached("m1", DeliveryState::Sent) && !ledger.reached("m1", DeliveryState::Read));
        ledger.note(&moved("m1", 3, DeliveryState::Read));
        assert!(!ledger.all_read("57300") && ledger.messages_to("57300") == 2);
        ledger.note(&moved("m2", 2, DeliveryState::Read));
        assert!(ledger.all_read("57300") && ledger.moved_back() == 0);
    }

    #[test]
    fn a_state_that_goes_back_or_repeats_is_noticed() {
        for after in [DeliveryState::Sent, DeliveryState::Delivered] {
            let mut ledger = Ledger::default();
            ledger.note(&moved("m1", 2, DeliveryState::Delivered));
            ledger.note(&moved("m1", 3, after));
            assert_eq!(ledger.moved_back(), 1, "{after:?}");
        }
    }

    #[test]
    fn events_that_overtook_each_other_are_put_in_order() {
        let mut ledger = Ledger::default();
        ledger.note(&queued("57300", "m1"));
        ledger.note(&moved("m1", 3, DeliveryState::Read));
        ledger.note(&moved("m1", 2, DeliveryState::Sent));
        assert!(ledger.all_read("57300") && ledger.moved_back() == 0);
    }

    #[test]
    fn events_of_one_trace_are_kept_together() {
        let mut ledger = Ledger::default();
        ledger.note(&queued("57300", "m1"));
        ledger.note(&event(&OrderOpened {
            number: "OT-000001".to_owned(),
            ..OrderOpened::default()
        }));
        let trace = ledger
            .orders_of("")
            .first()
            .and_then(|order| order.trace.clone())
            .unwrap();
        assert_eq!(ledger.in_trace(&trace).len(), 2);
    }
}
