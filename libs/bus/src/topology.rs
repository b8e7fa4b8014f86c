//! The stream and every durable consumer of the fleet, as data, in one place.

use std::time::Duration;

use puente_proto::{Event, EventType, messaging, notifications, ocr, orders, signature, signing};

/// The stream of all events.
pub const EVENTS: &str = "EVENTS";
/// Its subjects.
pub const ALL_EVENTS: &str = "puente.v1.>";

/// A durable pull consumer.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerSpec {
    /// Its durable name, which is the name of the service.
    pub durable: &'static str,
    /// The events it wants, of every tenant.
    pub events: &'static [EventType],
    /// How long a handler may take; longer than the slowest batch.
    pub ack_wait: Duration,
    /// Deliveries before an event becomes a dead letter.
    pub max_deliver: i64,
    /// Delivered and not yet acknowledged, over all replicas.
    pub max_ack_pending: i64,
    /// Most events in one transaction.
    pub batch: usize,
    /// Batches worked at the same time in one replica.
    pub workers: usize,
}

const STANDARD: ConsumerSpec = ConsumerSpec {
    durable: "",
    events: &[],
    ack_wait: Duration::from_secs(30),
    max_deliver: 12,
    max_ack_pending: 4_096,
    batch: 256,
    workers: 2,
};

/// What orders listens to: people's messages, what becomes of the documents they sign, and of the plates they photograph.
pub const ORDERS: ConsumerSpec = ConsumerSpec {
    durable: "orders",
    events: &[
        messaging::MessageReceived::TYPE,
        signature::SignatureStateChanged::TYPE,
        ocr::CaptureStateChanged::TYPE,
    ],
    ..STANDARD
};

/// What notifications listens to: requests, orders, papers that end, receipts, and messages for the session window.
pub const NOTIFICATIONS: ConsumerSpec = ConsumerSpec {
    durable: "notifications",
    events: &[
        notifications::MessageRequested::TYPE,
        orders::OrderOpened::TYPE,
        orders::OrderStateChanged::TYPE,
        orders::OrderAssigned::TYPE,
        orders::OrderClientChecked::TYPE,
        orders::ProviderDocumentExpiring::TYPE,
        messaging::ReceiptChanged::TYPE,
        messaging::MessageReceived::TYPE,
        messaging::TemplateChanged::TYPE,
    ],
    ..STANDARD
};

/// What signature listens to: requests of orders and orders that are cancelled, reports of the providers, and whether
/// people could be told.
pub const SIGNATURE: ConsumerSpec = ConsumerSpec {
    durable: "signature",
    events: &[
        orders::SignatureRequested::TYPE,
        orders::OrderStateChanged::TYPE,
        signing::EnvelopeChanged::TYPE,
        notifications::MessageStateChanged::TYPE,
    ],
    ..STANDARD
};

/// What ocr listens to: turns of conversations about serial plates.
pub const OCR: ConsumerSpec = ConsumerSpec {
    durable: "ocr",
    events: &[orders::CaptureContinued::TYPE],
    ..STANDARD
};

/// What sync listens to: orders, whose tasks it keeps in step.
pub const SYNC: ConsumerSpec = ConsumerSpec {
    durable: "sync",
    events: &[
        orders::OrderOpened::TYPE,
        orders::OrderStateChanged::TYPE,
        orders::OrderAssigned::TYPE,
        orders::OrderClientChecked::TYPE,
    ],
    ..STANDARD
};

/// Every consumer, for documents and checks.
pub const CONSUMERS: &[ConsumerSpec] = &[NOTIFICATIONS, OCR, ORDERS, SIGNATURE, SYNC];

impl ConsumerSpec {
    /// The subjects it filters on.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|e| format!("puente.v1.*.{}.{}.{}", e.domain, e.entity, e.verb))
            .collect()
    }
}
