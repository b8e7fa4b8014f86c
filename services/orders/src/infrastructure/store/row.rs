//! Rows of orders and clients, read and written.

use puente_outbox::{NewEvent, Tx};
use puente_types::{Nit, NitReading, Phone, Region, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::client::{Client, Registration};
use crate::domain::error::StoreError;
use crate::domain::event::{Event, Fact};
use crate::domain::number::OrderNumber;
use crate::domain::order::{Assignment, Channel, Contact, Order, Reach, Request, Snapshot};
use crate::domain::skill::SkillSet;
use crate::infrastructure::wire::{Published, published};

/// A client as stored.
pub(super) struct ClientRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) location: String,
    pub(super) nit_body: Option<String>,
    pub(super) nit_dv: Option<i16>,
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;
    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of client {}", row.id));
        let nit = match (&row.nit_body, row.nit_dv) {
            (Some(body), Some(dv)) => Some(read_nit(body, dv).ok_or_else(|| corrupt("tax id"))?),
            _ => None,
        };
        let phone = Phone::parse(&row.phone, Region::default()).map_err(|_| corrupt("phone"))?;
        let data = Registration {
            name: row.name,
            email: row.email,
            phone,
            location: row.location,
            nit,
        };
        Ok(Self {
            id: row.id.into(),
            data,
        })
    }
}

fn read_nit(body: &str, dv: i16) -> Option<Nit> {
    match Nit::parse(&format!("{body}-{dv}")) {
        Ok(NitReading::Verified(nit)) => Some(nit),
        _ => None,
    }
}

/// An order as stored.
pub(super) struct OrderRow {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) version: i64,
    pub(super) state: String,
    pub(super) client_id: Uuid,
    pub(super) contact_name: String,
    pub(super) contact_phone: String,
    pub(super) provider: String,
    pub(super) connection: String,
    pub(super) contact_id: String,
    pub(super) service: String,
    pub(super) description: String,
    pub(super) location: String,
    pub(super) channel: String,
    pub(super) agent: Option<String>,
    pub(super) service_provider: Option<String>,
}

impl TryFrom<OrderRow> for Order {
    type Error = StoreError;
    fn try_from(row: OrderRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of order {}", row.id));
        Ok(Self::restore(Snapshot {
            number: OrderNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
            state: row.state.parse().map_err(|_| corrupt("state"))?,
            channel: Channel::named(&row.channel).ok_or_else(|| corrupt("channel"))?,
            id: row.id.into(),
            version: row.version,
            contact: Contact {
                client_id: row.client_id.into(),
                name: row.contact_name,
                phone: row.contact_phone,
                reach: Reach {
                    provider: row.provider,
                    connection: row.connection,
                    contact_id: row.contact_id,
                },
            },
            request: Request {
                service: row.service,
                description: row.description,
                location: row.location,
            },
            assignment: Assignment {
                agent: row.agent,
                service_provider: row.service_provider,
            },
        }))
    }
}

/// Writes a new order.
pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Snapshot,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO orders (id, tenant, number, version, state, client_id, contact_name, contact_phone, provider,
                             connection, contact_id, service, description, location, channel, agent, service_provider,
                             opened_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)",
        order.id.uuid(),
        tenant.as_str(),
        order.number.count(),
        order.version,
        order.state.name(),
        order.contact.client_id.uuid(),
        order.contact.name,
        order.contact.phone,
        order.contact.reach.provider,
        order.contact.reach.connection,
        order.contact.reach.contact_id,
        order.request.service,
        order.request.description,
        order.request.location,
        order.channel.name(),
        order.assignment.agent,
        order.assignment.service_provider,
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What an event comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The event, or the key of the command, that led to it.
    pub(super) cause: Option<&'a str>,
    /// Who did it; empty when a conversation did.
    pub(super) by: &'a str,
}

/// Journals an order's event and queues it for the relay, in the caller's transaction.
pub(super) async fn tell(
    tx: &mut Tx,
    tenant: &TenantId,
    event: &Event,
    set: &SkillSet,
    at: OffsetDateTime,
    origin: Origin<'_>,
) -> Result<(), sqlx::Error> {
    let (order, id) = (&event.order, event.order.id);
    let outgoing = match published(event, set, at) {
        Published::Opened(event) => NewEvent::new(tenant, id, &event),
        Published::Moved(event) => NewEvent::new(tenant, id, &event),
        Published::Assigned(event) => NewEvent::new(tenant, id, &event),
    };
    let (fact, transition, before, reason) = match &event.fact {
        Fact::Opened => ("opened", None, None, ""),
        Fact::Assigned { .. } => ("assigned", None, Some(order.state), ""),
        Fact::Moved {
            before,
            transition,
            reason,
            ..
        } => ("moved", Some(transition.name()), Some(*before), reason.as_str()),
    };
    sqlx::query!(
        "INSERT INTO order_journal (order_id, version, tenant, event_id, fact, transition, before, after, reason,
                                    agent, service_provider, at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id.uuid(),
        order.version,
        tenant.as_str(),
        outgoing.id.uuid(),
        fact,
        transition,
        before.map(|state| state.name()),
        order.state.name(),
        reason,
        order.assignment.agent,
        order.assignment.service_provider,
        at,
        origin.by
    )
    .execute(&mut **tx)
    .await?;
    let outgoing = outgoing.version(order.version);
    tx.append(match origin.cause {
        Some(cause) => outgoing.caused_by(cause),
        None => outgoing,
    });
    Ok(())
}
