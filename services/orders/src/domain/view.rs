//! An order as it is shown to who asks for it.

use puente_types::OrderId;
use time::OffsetDateTime;

use crate::domain::number::OrderNumber;
use crate::domain::state::State;

/// How an order is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// By its id.
    Id(OrderId),
    /// By the number that people use.
    Number(OrderNumber),
}

/// What is shown of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub id: OrderId,
    /// The number that people use.
    pub number: OrderNumber,
    /// Its state.
    pub state: State,
    /// The kind of service asked for.
    pub service: String,
    /// The request in the client's words.
    pub description: String,
    /// The client's name as it was when the order was opened.
    pub client_name: String,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it last changed.
    pub changed_at: OffsetDateTime,
}
