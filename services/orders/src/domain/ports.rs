//! What the use cases need of a store.
//!
//! [`Turn`] and [`OrderStore`] because there are two shapes of transaction. A [`Turn`] is open while a conversation's message is
//! worked: everything asked of it, and the memory that is saved after it, is one commit under the conversation's row
//! lock. An [`OrderStore`] method is a whole transaction by itself. Neither can be half done. [`OrderQueries`] only reads.

use std::future::Future;

use puente_types::{ClientId, OrderId, TenantId};

use crate::domain::client::{Client, Registration};
use crate::domain::conversation::Speaker;
use crate::domain::error::StoreError;
use crate::domain::event::Event;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Channel, Contact, Order, Request};
use crate::domain::view::{OrderKey, OrderView};

/// The open transaction of one conversation's turn.
pub trait Turn: Send {
    /// The client behind a speaker: by the number that the provider vouches for, else by who registered here before.
    fn client_of(
        &mut self,
        speaker: &Speaker,
    ) -> impl Future<Output = Result<Option<Client>, StoreError>> + Send;

    /// Keeps a new client, and queues its event. The speaker is this client from now on.
    fn register(
        &mut self,
        speaker: &Speaker,
        registration: Registration,
    ) -> impl Future<Output = Result<Client, StoreError>> + Send;

    /// Takes the tenant's next number, opens the order, and queues its event.
    fn open(
        &mut self,
        contact: Contact,
        request: Request,
        channel: Channel,
    ) -> impl Future<Output = Result<Order, StoreError>> + Send;

    /// An order of this client; an order of another client is not found.
    fn order_of(
        &mut self,
        client: ClientId,
        number: OrderNumber,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;
}

/// Orders by themselves, outside of conversations.
pub trait OrderStore: Send + Sync {
    /// The order as it stands.
    fn load(
        &self,
        tenant: &TenantId,
        id: OrderId,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// Stores the order and its events if nobody else changed it since version `since`.
    fn save(
        &self,
        tenant: &TenantId,
        order: &Order,
        since: i64,
        events: &[Event],
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;
}

/// Orders as they are shown to who asks; changes nothing.
pub trait OrderQueries: Send + Sync {
    /// The tenant's order of this key.
    fn find(
        &self,
        tenant: &TenantId,
        key: OrderKey,
    ) -> impl Future<Output = Result<Option<OrderView>, StoreError>> + Send;

    /// The tenant's newest `limit` orders, of those below the number `below` if one is given.
    fn newest(
        &self,
        tenant: &TenantId,
        below: Option<OrderNumber>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<OrderView>, StoreError>> + Send;
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Stored.
    Applied,
    /// Somebody else was faster; load again and decide again.
    Conflict,
}
