//! One fact of an order, as it is shown.

use puente_types::EventId;
use time::OffsetDateTime;

use crate::domain::quotation::Quotation;

/// One fact of an order: what happened, and how the order stood after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalView {
    /// The order's version after it.
    pub version: i64,
    /// The event that tells of it.
    pub event: EventId,
    /// `opened`, `assigned`, `moved`, `client_checked` or `noted`.
    pub fact: String,
    /// What moved it; empty for other facts.
    pub transition: String,
    /// The state before; empty at the beginning.
    pub before: String,
    /// The state after.
    pub after: String,
    /// Why, where a reason was given.
    pub reason: String,
    /// The agent after it.
    pub agent: String,
    /// The service provider after it.
    pub service_provider: String,
    /// When.
    pub at: OffsetDateTime,
    /// Who did it; empty when the conversation did.
    pub by: String,
    /// What led to it, as far as it is still kept.
    pub cause: Option<String>,
    /// The trace it belongs to, as far as it is still kept.
    pub traceparent: Option<String>,
    /// The trace of the request of whoever did it.
    pub asked_in: Option<String>,
    /// The price that was sent, if one was.
    pub quotation: Option<Quotation>,
    /// The document that holds the signatures, if there is one.
    pub document_id: String,
}
