//! Rows of orders and clients, read and written.

use puente_types::{Nit, NitReading, OrderId, Phone, Region, TenantId, check_digit};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::price::PriceColumns;
use crate::domain::client::{Client, Registration};
use crate::domain::company::Check;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Assignment, Channel, Contact, Order, Reach, Request, Snapshot};

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

/// The tax id of a body.
pub(super) fn nit_of(body: &str) -> Option<Nit> {
    read_nit(body, check_digit(body)?.into())
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
    pub(super) quotation_minor: Option<i64>,
    pub(super) quotation_currency: Option<String>,
    pub(super) quotation_note: String,
    pub(super) quotation_until: Option<Date>,
    pub(super) signature_attempts: i32,
    pub(super) signed_document: String,
    pub(super) client_check: String,
}

impl TryFrom<OrderRow> for Order {
    type Error = StoreError;
    fn try_from(row: OrderRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of order {}", row.id));
        let price = PriceColumns {
            minor: row.quotation_minor,
            currency: row.quotation_currency,
            note: row.quotation_note,
            until: row.quotation_until,
        };
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
            quotation: price.read()?,
            attempts: u32::try_from(row.signature_attempts).map_err(|_| corrupt("attempts"))?,
            signed_document: row.signed_document,
            check: Check::named(&row.client_check).ok_or_else(|| corrupt("check"))?,
        }))
    }
}

/// The order as it stands.
pub(super) async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: OrderId,
) -> Result<Option<Order>, StoreError> {
    let row = sqlx::query_as!(
        OrderRow,
        "SELECT id, number, version, state, client_id, contact_name, contact_phone, provider, connection, contact_id,
                service, description, location, channel, agent, service_provider, quotation_minor,
                quotation_currency, quotation_note, quotation_until, signature_attempts, signed_document, client_check
         FROM orders WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(Order::try_from).transpose()
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
                             opened_at, changed_at, traceparent, client_check)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20)",
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
        at,
        // Everything that happens to the order is told in the trace it is opened in.
        puente_telemetry::current_traceparent(),
        order.check.name()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is known of an order that was written.
pub(super) struct Updated {
    /// The trace that it was opened in.
    pub(super) traceparent: Option<String>,
}

/// Writes the order as it stands now; `None` when it is no longer at version `since`.
pub(super) async fn update(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Order,
    since: i64,
    now: OffsetDateTime,
) -> Result<Option<Updated>, sqlx::Error> {
    let snapshot = order.snapshot();
    let price = PriceColumns::of(snapshot.quotation.as_ref());
    sqlx::query_as!(
        Updated,
        "UPDATE orders
         SET version = $4, state = $5, agent = $6, service_provider = $7, changed_at = $8, quotation_minor = $9,
             quotation_currency = $10, quotation_note = $11, quotation_until = $12, signature_attempts = $13,
             signed_document = $14, client_check = $15
         WHERE tenant = $1 AND id = $2 AND version = $3
         RETURNING traceparent",
        tenant.as_str(),
        snapshot.id.uuid(),
        since,
        snapshot.version,
        snapshot.state.name(),
        snapshot.assignment.agent,
        snapshot.assignment.service_provider,
        now,
        price.minor,
        price.currency,
        price.note,
        price.until,
        i32::try_from(snapshot.attempts).unwrap_or(i32::MAX),
        snapshot.signed_document,
        snapshot.check.name()
    )
    .fetch_optional(connection)
    .await
}
