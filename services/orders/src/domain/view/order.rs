//! An order as it is shown, and how orders are asked for.

use puente_types::{ClientId, ConversationId, OrderId, PhoneEnding};
use time::OffsetDateTime;

use crate::domain::company::Check;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Assignment, Channel};
use crate::domain::quotation::Quotation;
use crate::domain::state::State;

/// How an order is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// By its id.
    Id(OrderId),
    /// By the number that people use.
    Number(OrderNumber),
}

/// What a person types to find orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderSearch {
    /// The order's number.
    Number(OrderNumber),
    /// The client's number, or the end of it.
    Phone(PhoneEnding),
}

/// Which orders are wanted. What is empty does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Only those in one of these states.
    pub states: Vec<State>,
    /// Only those of this client.
    pub client: Option<ClientId>,
    /// Only those that this finds.
    pub search: Option<OrderSearch>,
    /// Only those given to this person, as their agent or as their service provider.
    pub assignee: Option<String>,
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
    /// Where the service is wanted.
    pub location: String,
    /// Who the client is.
    pub client: ClientId,
    /// The client's name as it was when the order was opened.
    pub client_name: String,
    /// The client's number as it was when the order was opened; empty when unknown.
    pub client_phone: String,
    /// The conversation that it was opened in, if it was in one that is still known.
    pub conversation: Option<ConversationId>,
    /// Who works on it.
    pub assignment: Assignment,
    /// The agent's name; empty when the directory does not have them.
    pub agent_name: String,
    /// The service provider's name; empty when the directory does not have them.
    pub service_provider_name: String,
    /// The price that stands.
    pub quotation: Option<Quotation>,
    /// The trace that it was opened in.
    pub traceparent: Option<String>,
    /// How it came in.
    pub channel: Channel,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it last changed.
    pub changed_at: OffsetDateTime,
    /// What came of checking its client in the ERP.
    pub check: Check,
}

/// How many orders there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderCounts {
    /// States with at least one order, in the order of an order's life.
    pub states: Vec<(State, u64)>,
    /// Orders opened since the beginning of the day.
    pub opened_today: u64,
}
