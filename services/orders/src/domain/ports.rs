//! What the use cases need of a store.
//!
//! [`Turn`] and [`OrderStore`] because there are two shapes of transaction. A [`Turn`] is open while a conversation's message is
//! worked: everything asked of it, and the memory that is saved after it, is one commit under the conversation's row
//! lock. An [`OrderStore`] method is a whole transaction by itself. Neither can be half done. What only reads is in
//! [`crate::domain::queries`].

use std::future::Future;

use puente_types::{ClientId, Nit, OrderId, TenantId};
use time::Date;
use uuid::Uuid;

use crate::domain::capture::CaptureTurn;
use crate::domain::client::{Client, Registration};
use crate::domain::company::Verdict;
use crate::domain::conversation::Speaker;
use crate::domain::directory::{Kind, Person};
use crate::domain::error::StoreError;
use crate::domain::event::Event;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Channel, Contact, Order, Request, Snapshot};
use crate::domain::papers::Expired;
use crate::domain::signing::{Parties, SignatureRequest};

/// The open transaction of one conversation's turn.
pub trait Turn: Send {
    /// The client behind a speaker: by the number that the provider vouches for, else by who registered here before.
    fn client_of(
        &mut self,
        speaker: &Speaker,
    ) -> impl Future<Output = Result<Option<Client>, StoreError>> + Send;

    /// Keeps a new client, and queues its event. The speaker is this client from now on. A tax id that is another's by now
    /// stays there.
    fn register(
        &mut self,
        speaker: &Speaker,
        registration: Registration,
    ) -> impl Future<Output = Result<Client, StoreError>> + Send;

    /// What is known of a tax id: our own clients first, then what the tenant's ERP said. `None` when the ERP has to be
    /// asked first: it is by then noted to be asked, and the message is worked again when it has answered, or when it took
    /// too long. Nobody outside is called here.
    fn weigh(&mut self, nit: &Nit) -> impl Future<Output = Result<Option<Verdict>, StoreError>> + Send;

    /// Our client of a tax id.
    fn client_of_nit(&mut self, nit: &Nit)
    -> impl Future<Output = Result<Option<Client>, StoreError>> + Send;

    /// Keeps a client that the ERP knows, and queues its event; the client of its tax id if there is one by now.
    fn enrol(
        &mut self,
        registration: Registration,
    ) -> impl Future<Output = Result<Client, StoreError>> + Send;

    /// Keeps the tax id of a client that had none, unless it is another's by now.
    fn keep_nit(
        &mut self,
        client: ClientId,
        nit: &Nit,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes the tenant's next number, opens the order, and queues its event.
    fn open(
        &mut self,
        contact: Contact,
        request: Request,
        channel: Channel,
    ) -> impl Future<Output = Result<Order, StoreError>> + Send;

    /// An order of this client, or one that was opened in this conversation; an order of another client is not found.
    fn order_of(
        &mut self,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// The order of this number, if the speaker may bring equipment to it: its client, or somebody of the directory by
    /// the number that the provider vouches for.
    fn order_to_serve(
        &mut self,
        speaker: &Speaker,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> impl Future<Output = Result<Option<OrderId>, StoreError>> + Send;

    /// Whether ocr has ended this capture. Until the turn is over, it is not told to have.
    fn capture_ended(&mut self, capture: Uuid) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// How many captures this conversation began within the last 24 hours.
    fn captures_of_a_day(&mut self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Keeps how far a capture has come, and queues the event of this turn.
    fn tell_capture(
        &mut self,
        speaker: &Speaker,
        client: Option<&Client>,
        turn: CaptureTurn,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Orders by themselves, outside of conversations.
pub trait OrderStore: Send + Sync {
    /// The order as it stands.
    fn load(
        &self,
        tenant: &TenantId,
        id: OrderId,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// Stores the order, what happened to it and the command that led to it, if nobody else changed the order since
    /// version `since` and no command of this key was stored before.
    fn save(
        &self,
        tenant: &TenantId,
        order: &Order,
        since: i64,
        decided: &Decided,
        issued: Option<&Issued>,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;

    /// What is known of the command that had this key.
    fn issued(
        &self,
        tenant: &TenantId,
        key: &str,
    ) -> impl Future<Output = Result<Option<Done>, StoreError>> + Send;

    /// Who would sign for this order, as far as they are known.
    fn parties(
        &self,
        tenant: &TenantId,
        order: &Snapshot,
    ) -> impl Future<Output = Result<Parties, StoreError>> + Send;

    /// The person of this id, and whether the directory has anybody of this kind.
    fn known(
        &self,
        tenant: &TenantId,
        kind: Kind,
        id: &str,
    ) -> impl Future<Output = Result<(Option<Person>, bool), StoreError>> + Send;

    /// Mandatory papers of a service provider that were in force and are over on this day. What was never filed is not
    /// among them.
    fn expired(
        &self,
        tenant: &TenantId,
        provider: &str,
        today: Date,
    ) -> impl Future<Output = Result<Vec<Expired>, StoreError>> + Send;
}

/// What a decision comes to: events in their order, and a request to sign if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided {
    /// What happened to the order.
    pub events: Vec<Event>,
    /// What is to be signed.
    pub request: Option<SignatureRequest>,
}

/// A command that had its effect before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Of everything that it said.
    pub digest: [u8; 32],
    /// The request to sign that it made.
    pub request: Option<Uuid>,
}

/// A command of a person: who gave it, and by which key it is known when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Chosen by who gave the command; unique in the tenant.
    pub key: String,
    /// Of everything that the command says, so that another one under the same key is noticed.
    pub digest: [u8; 32],
    /// Who gave it.
    pub by: String,
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Stored.
    Applied,
    /// Somebody else was faster; load again and decide again.
    Conflict,
    /// A command of this key was stored at the same time; nothing was stored now.
    Repeated,
}
