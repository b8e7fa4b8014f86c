//! Requests to sign: made with the order's transition, answered by the signature service's events.

use puente_outbox::{NewEvent, Tx};
use puente_types::{EventId, OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::journal::{self, Origin};
use super::people;
use super::row;
use crate::application::apply_signature::{News, Standing};
use crate::domain::error::StoreError;
use crate::domain::event::Event;
use crate::domain::order::{Order, Snapshot};
use crate::domain::signing::{Parties, Party, Progress, SignatureRequest};
use crate::domain::skill::SkillSet;
use crate::infrastructure::wire;

/// Keeps a request and queues its event, in the caller's transaction.
pub(super) async fn ask(
    tx: &mut Tx,
    tenant: &TenantId,
    request: &SignatureRequest,
    now: OffsetDateTime,
    origin: Origin<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO signature_requests (request_id, tenant, order_id, attempt, requested_by, requested_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        request.id,
        tenant.as_str(),
        request.order_id().uuid(),
        i32::try_from(request.order.attempts).unwrap_or(i32::MAX),
        request.by,
        now
    )
    .execute(&mut **tx)
    .await?;
    let event = NewEvent::new(tenant, request.id, &wire::to_be_signed(request, now));
    tx.append(origin.marks(event.version(1)));
    Ok(())
}

/// Notes which request a command made.
pub(super) async fn answers(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: &str,
    request: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE commands SET request_id = $3 WHERE tenant = $1 AND key = $2",
        tenant.as_str(),
        key,
        request
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Who would sign for an order: the client as it is registered now, agent and service provider from the directory.
pub(super) async fn parties(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Snapshot,
) -> Result<Parties, StoreError> {
    let client = sqlx::query!(
        "SELECT name, email, phone, location, nit_body, nit_dv FROM clients WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        order.contact.client_id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let client = client.map(|row| Party {
        name: row.name,
        email: row.email,
        phone: row.phone,
        tax_id: row
            .nit_body
            .zip(row.nit_dv)
            .map(|(body, dv)| format!("{body}-{dv}"))
            .unwrap_or_default(),
        address: row.location,
    });
    let mut found = [None, None];
    let ids = [&order.assignment.service_provider, &order.assignment.agent];
    for (place, id) in found.iter_mut().zip(ids) {
        let Some(id) = id else { continue };
        *place = people::find(connection, tenant, id).await?.map(|view| Party {
            name: view.person.name,
            email: view.person.email,
            phone: view.person.phone,
            tax_id: view.person.tax_id,
            address: view.person.address,
        });
    }
    let [service_provider, agent] = found.map(Option::unwrap_or_default);
    Ok(Parties {
        client: client.unwrap_or_default(),
        service_provider,
        agent,
    })
}

/// Locks a request; `None` when the tenant has none of this id.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    request: Uuid,
) -> Result<Option<(OrderId, Standing)>, StoreError> {
    let row = sqlx::query!(
        "SELECT order_id, attempt, state, version FROM signature_requests
         WHERE tenant = $1 AND request_id = $2 FOR NO KEY UPDATE",
        tenant.as_str(),
        request
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || StoreError::Corrupt("a request to sign".into());
    let standing = Standing {
        attempt: u32::try_from(row.attempt).map_err(|_| corrupt())?,
        progress: Progress::named(&row.state).ok_or_else(corrupt)?,
        version: row.version,
    };
    Ok(Some((row.order_id.into(), standing)))
}

/// Keeps where a request stands now, and what that meant for its order.
pub(crate) async fn progressed(
    connection: &mut PgConnection,
    request: Uuid,
    news: &News,
    outcome: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signature_requests SET state = $2, version = $3, document_id = $4, outcome = $5, changed_at = $6
         WHERE request_id = $1",
        request,
        news.progress.name(),
        news.version,
        news.document,
        outcome,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What led to something that happens to an order, when an event did.
#[derive(Clone, Copy)]
pub(crate) struct Cause<'a> {
    /// The event.
    pub(crate) event: EventId,
    /// The person behind it; empty when there is none.
    pub(crate) by: &'a str,
    /// The trace of the order.
    pub(crate) trace: Option<&'a str>,
}

/// Locks an order; returns it with its trace.
pub(crate) async fn order(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: OrderId,
) -> Result<Option<(Order, Option<String>)>, StoreError> {
    let trace = sqlx::query_scalar!(
        "SELECT traceparent FROM orders WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE",
        tenant.as_str(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(trace) = trace else { return Ok(None) };
    let order = row::load(connection, tenant, id).await?;
    Ok(order.map(|order| (order, trace)))
}

/// Writes a locked order that was at version `since`, and what happened to it.
pub(crate) async fn moved(
    tx: &mut Tx,
    tenant: &TenantId,
    (order, since): (&Order, i64),
    event: &Event,
    set: &SkillSet,
    now: OffsetDateTime,
    cause: Cause<'_>,
) -> Result<(), StoreError> {
    let written = row::update(tx, tenant, order, since, now).await?;
    written.ok_or_else(|| StoreError::Corrupt("a locked order that moved".into()))?;
    let id = cause.event.to_string();
    let origin = Origin {
        cause: Some(&id),
        by: cause.by,
        trace: cause.trace,
        asked_in: None,
    };
    journal::tell(tx, tenant, event, set, now, origin).await
}

/// Notes beside the order's last fact what was heard and did not move it.
pub(crate) async fn noted(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Order,
    words: &str,
    now: OffsetDateTime,
    cause: Cause<'_>,
) -> Result<(), sqlx::Error> {
    noted_with(connection, tenant, order, words, "", now, cause).await
}

/// The same, with the document that it is about.
pub(crate) async fn noted_with(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Order,
    words: &str,
    document: &str,
    now: OffsetDateTime,
    cause: Cause<'_>,
) -> Result<(), sqlx::Error> {
    let snapshot = order.snapshot();
    sqlx::query!(
        "INSERT INTO order_journal (order_id, version, tenant, event_id, fact, before, after, reason, agent,
                                    service_provider, at, changed_by, document_id)
         VALUES ($1, $2, $3, $4, 'noted', $5, $5, $6, $7, $8, $9, $10, $11)",
        snapshot.id.uuid(),
        snapshot.version,
        tenant.as_str(),
        cause.event.uuid(),
        snapshot.state.name(),
        words,
        snapshot.assignment.agent,
        snapshot.assignment.service_provider,
        now,
        cause.by,
        document
    )
    .execute(connection)
    .await?;
    Ok(())
}
