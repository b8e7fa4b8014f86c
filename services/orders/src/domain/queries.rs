//! What the use cases that only read need of a store. Every question names the tenant whose answers are wanted.

use std::future::Future;

use puente_types::{ClientId, ConversationId, OrderId, TenantId};

use crate::domain::asset::AssetId;
use crate::domain::directory::{Kind, PersonView};
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::view::{
    AssetFactView, AssetFilter, AssetKey, AssetView, ClientFilter, ClientView, ConversationFilter,
    ConversationView, JournalView, OrderCounts, OrderFilter, OrderKey, OrderView, Place, ReceivedView,
};

/// Orders as they are shown to who asks.
pub trait OrderQueries: Send + Sync {
    /// The tenant's order of this key.
    fn find(
        &self,
        tenant: &TenantId,
        key: OrderKey,
    ) -> impl Future<Output = Result<Option<OrderView>, StoreError>> + Send;

    /// The newest `limit` orders that fit, of those below the number `below` if one is given.
    fn newest(
        &self,
        tenant: &TenantId,
        filter: &OrderFilter,
        below: Option<OrderNumber>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<OrderView>, StoreError>> + Send;

    /// The order's facts, oldest first; empty when the tenant has no such order.
    fn journal(
        &self,
        tenant: &TenantId,
        id: OrderId,
    ) -> impl Future<Output = Result<Vec<JournalView>, StoreError>> + Send;

    /// How many orders there are; with `assignee`, of those given to this person.
    fn count(
        &self,
        tenant: &TenantId,
        assignee: Option<&str>,
    ) -> impl Future<Output = Result<OrderCounts, StoreError>> + Send;
}

/// Assets as they are shown to who asks.
pub trait AssetQueries: Send + Sync {
    /// The tenant's asset of this key.
    fn find(
        &self,
        tenant: &TenantId,
        key: AssetKey,
    ) -> impl Future<Output = Result<Option<AssetView>, StoreError>> + Send;

    /// `limit` assets that fit, the one last changed first, of those before `after` if a place is given.
    fn latest(
        &self,
        tenant: &TenantId,
        filter: &AssetFilter,
        after: Option<Place>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AssetView>, StoreError>> + Send;

    /// What happened to an asset, oldest first; the last of many.
    fn history(
        &self,
        tenant: &TenantId,
        id: AssetId,
    ) -> impl Future<Output = Result<Vec<AssetFactView>, StoreError>> + Send;
}

/// Clients as they are shown to who asks.
pub trait ClientQueries: Send + Sync {
    /// The tenant's client of this id.
    fn find(
        &self,
        tenant: &TenantId,
        id: ClientId,
    ) -> impl Future<Output = Result<Option<ClientView>, StoreError>> + Send;

    /// The newest `limit` clients that fit, of those before `after` if a place is given.
    fn newest(
        &self,
        tenant: &TenantId,
        filter: &ClientFilter,
        after: Option<Place>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ClientView>, StoreError>> + Send;
}

/// The directory as it is shown to who asks.
pub trait DirectoryQueries: Send + Sync {
    /// The tenant's person of this id.
    fn find(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> impl Future<Output = Result<Option<PersonView>, StoreError>> + Send;

    /// `limit` people of a kind, or of all, by name; of those after the one of the id `after` if it is given.
    fn by_name(
        &self,
        tenant: &TenantId,
        kind: Option<Kind>,
        after: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<PersonView>, StoreError>> + Send;
}

/// Conversations as they are shown to who asks.
pub trait ConversationQueries: Send + Sync {
    /// The tenant's conversation of this id, with its last messages, newest first.
    fn find(
        &self,
        tenant: &TenantId,
        id: ConversationId,
    ) -> impl Future<Output = Result<Option<(ConversationView, Vec<ReceivedView>)>, StoreError>> + Send;

    /// `limit` conversations that fit, the one last written to first, of those before `after` if a place is given.
    fn latest(
        &self,
        tenant: &TenantId,
        filter: &ConversationFilter,
        after: Option<Place>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ConversationView>, StoreError>> + Send;
}
