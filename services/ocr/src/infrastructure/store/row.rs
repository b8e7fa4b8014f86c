//! Captures: made with their first turn or command, read under their row's lock, written back with the events of the change.

use puente_outbox::Tx;
use puente_types::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::capture::Capture;
use crate::domain::serial;
use crate::infrastructure::store::attempt;
use crate::infrastructure::store::flat::{Flat, count, json};
use crate::infrastructure::wire;

/// A capture with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) order: Option<Uuid>,
    pub(crate) asset: Option<Uuid>,
    /// `whatsapp` or `api`.
    pub(crate) channel: String,
    pub(crate) contact: Option<Contact>,
    /// The turn that is worked next.
    pub(crate) next_turn: i32,
    /// How often it was taken up for the step that it is at.
    pub(crate) tries: i32,
    pub(crate) opened_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) traceparent: Option<String>,
    pub(crate) capture: Capture,
}

/// Who is answered, and the way.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) contact_id: String,
    pub(crate) phone: String,
}

/// Personal data reaches no log by way of `{:?}`.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

impl Row {
    /// One that nothing happened to yet.
    pub(crate) fn new(
        id: Uuid,
        tenant: &TenantId,
        channel: &str,
        capture: Capture,
        at: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            tenant: tenant.clone(),
            order: None,
            asset: None,
            channel: channel.to_owned(),
            contact: None,
            next_turn: 1,
            tries: 0,
            opened_at: at,
            updated_at: at,
            traceparent: puente_telemetry::current_traceparent(),
            capture,
        }
    }
}

/// Writes a new capture, without events. `false` when its id is taken.
pub(crate) async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, sqlx::Error> {
    let capture = &row.capture;
    let written = sqlx::query!(
        "INSERT INTO plate_captures (id, tenant, state, version, order_id, asset_id, channel, contact, attempts_allowed,
                               threshold, opened_at, updated_at, touched_at, traceparent)
         VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $10, $10, $11)
         ON CONFLICT (id) DO NOTHING",
        row.id,
        row.tenant.as_str(),
        capture.state.as_str(),
        row.order,
        row.asset,
        row.channel,
        row.contact.as_ref().map(json).transpose()?,
        count(capture.allowed),
        count(capture.threshold),
        row.opened_at,
        row.traceparent,
    )
    .execute(&mut **tx)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Reads and locks a capture of a tenant.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<Row>, sqlx::Error> {
    let flat = sqlx::query_as!(
        Flat,
        "SELECT id, state, version, order_id, asset_id, channel, contact, serial, confidence, origin, decided_by, engine,
                facts, attempt, attempts_allowed, threshold, next_turn, tries, opened_at, updated_at, traceparent
         FROM plate_captures WHERE id = $1 AND tenant = $2 FOR UPDATE",
        id,
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    flat.map(|flat| flat.row(tenant)).transpose()
}

/// Reads a capture of a tenant as it stands now.
pub(crate) async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Row>, sqlx::Error> {
    let flat = sqlx::query_as!(
        Flat,
        "SELECT id, state, version, order_id, asset_id, channel, contact, serial, confidence, origin, decided_by, engine,
                facts, attempt, attempts_allowed, threshold, next_turn, tries, opened_at, updated_at, traceparent
         FROM plate_captures WHERE id = $1 AND tenant = $2",
        id,
        tenant.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    flat.map(|flat| flat.row(tenant)).transpose()
}

/// Writes a locked capture back, and publishes what happened to it. `cause` is what led to it. Somebody touched it now if
/// `touched`; and it is to be worked on if `wake`.
pub(crate) async fn save(tx: &mut Tx, row: &mut Row, change: Change<'_>) -> Result<(), sqlx::Error> {
    let capture = &row.capture;
    sqlx::query!(
        "UPDATE plate_captures
         SET state = $3, serial = $4, serial_key = $5, confidence = $6, origin = $7, decided_by = $8, engine = $9,
             facts = $10, attempt = $11, attempts_allowed = $12, next_turn = $13, order_id = $14, asset_id = $15,
             contact = $16, tries = $17,
             touched_at = CASE WHEN $18 THEN $20 ELSE touched_at END,
             due_at = CASE WHEN $19 THEN least(due_at, $20) ELSE due_at END,
             updated_at = CASE WHEN version = $21 THEN updated_at ELSE $20 END, version = $21
         WHERE id = $1 AND tenant = $2",
        row.id,
        row.tenant.as_str(),
        capture.state.as_str(),
        capture.serial,
        serial::key(&capture.serial),
        count(capture.permille),
        capture.origin.map_or("", |origin| origin.as_str()),
        capture.by,
        capture.engine,
        json(&capture.facts)?,
        count(capture.attempt),
        count(capture.allowed),
        row.next_turn,
        row.order,
        row.asset,
        row.contact.as_ref().map(json).transpose()?,
        row.tries,
        change.touched,
        change.wake,
        change.now,
        capture.version,
    )
    .execute(&mut **tx)
    .await?;
    publish(tx, row, change.cause).await
}

/// Around a change of a capture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) cause: &'a str,
    pub(crate) now: OffsetDateTime,
    /// A person did something.
    pub(crate) touched: bool,
    /// There is work now.
    pub(crate) wake: bool,
}

/// Hands the events of a change to the outbox, in the trace of the capture.
async fn publish(tx: &mut Tx, row: &mut Row, cause: &str) -> Result<(), sqlx::Error> {
    let moved = std::mem::take(&mut row.capture.moved);
    if moved.is_empty() {
        return Ok(());
    }
    let photos = attempt::photos(tx, &row.tenant, row.id).await?;
    for one in moved {
        tx.append(wire::moved(row, &one, &photos).caused_by(cause));
    }
    Ok(())
}
