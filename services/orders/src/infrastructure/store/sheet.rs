//! Whose sheet is to be made, what stands on it, and which one is in force.
//!
//! A sheet that is taken up is held for a short while, again and again, so that no other replica takes it meanwhile, and the
//! next one does if this one dies. A change of the asset gives it a new time, and begins anew.

use puente_types::TenantId;
use puente_work::{Claimed, Hold};
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::asset::{AssetId, AssetNumber, Confidence, Data, Fact, Origin, Values};
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;

/// Facts that a sheet shows.
const MOST_FACTS: i64 = 200;

/// What stands on a sheet, but for photographs.
pub(crate) struct Shown {
    pub(crate) number: AssetNumber,
    pub(crate) version: i64,
    pub(crate) serial: String,
    pub(crate) origin: Origin,
    pub(crate) confidence: Confidence,
    pub(crate) by: String,
    pub(crate) order: Option<OrderNumber>,
    pub(crate) data: Values,
    pub(crate) registered_at: OffsetDateTime,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) history: Vec<ShownFact>,
}

/// A line of its history.
pub(crate) struct ShownFact {
    pub(crate) fact: Fact,
    pub(crate) serial: String,
    pub(crate) by: String,
    pub(crate) order: Option<OrderNumber>,
    pub(crate) data: Values,
    pub(crate) at: OffsetDateTime,
}

/// Takes up the sheet that waits longest, and holds it.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    hold: Hold,
    now: OffsetDateTime,
) -> Result<Option<Claimed>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE assets SET sheet_held_until = $2, sheet_held_by = $3, sheet_tries = sheet_tries + 1 WHERE id = (
             SELECT id FROM assets
             WHERE sheet_due_at <= $1 AND (sheet_held_until IS NULL OR sheet_held_until <= $1)
             ORDER BY sheet_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, tenant, traceparent, sheet_tries",
        now,
        hold.until,
        hold.by,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Claimed::read(row.id, &row.tenant, row.traceparent, row.sheet_tries))
        .transpose()
}

puente_work::holds!("assets", until: "sheet_held_until", by: "sheet_held_by");

/// The asset as its sheet shows it.
pub(crate) async fn shown(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
) -> Result<Option<Shown>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT a.number, a.version, a.serial, a.origin, a.confidence, a.decided_by, a.read AS "read: Json<Values>",
                  a.written AS "written: Json<Values>", o.number AS "order_number?", a.registered_at, a.changed_at
           FROM assets a LEFT JOIN orders o ON o.id = a.order_id AND o.tenant = a.tenant
           WHERE a.tenant = $1 AND a.id = $2"#,
        tenant.as_str(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of asset {id}"));
    let data = Data {
        read: row.read.0,
        written: row.written.0,
    };
    Ok(Some(Shown {
        number: AssetNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
        version: row.version,
        serial: row.serial,
        origin: Origin::named(&row.origin).ok_or_else(|| corrupt("origin"))?,
        confidence: Confidence::permille(row.confidence.unsigned_abs()),
        by: row.decided_by,
        order: row.order_number.and_then(OrderNumber::new),
        data: data.shown(),
        registered_at: row.registered_at,
        changed_at: row.changed_at,
        history: history(connection, tenant, id).await?,
    }))
}

/// What happened to it, oldest first; the last of many.
async fn history(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
) -> Result<Vec<ShownFact>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT h.fact, h.serial, h.done_by, h.data AS "data: Json<Values>", h.at, o.number AS "order_number?"
           FROM asset_history h LEFT JOIN orders o ON o.id = h.order_id AND o.tenant = h.tenant
           WHERE h.tenant = $1 AND h.asset_id = $2 ORDER BY h.version DESC LIMIT $3"#,
        tenant.as_str(),
        id.uuid(),
        MOST_FACTS
    )
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().rev().map(|row| {
        Ok(ShownFact {
            fact: Fact::named(&row.fact)
                .ok_or_else(|| StoreError::Corrupt(format!("history of asset {id}")))?,
            serial: row.serial,
            by: row.done_by,
            order: row.order_number.and_then(OrderNumber::new),
            data: row.data.0,
            at: row.at,
        })
    });
    facts.collect()
}

/// Locks an asset that is still at this version.
pub(crate) async fn still_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
    version: i64,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT true AS "found!" FROM assets WHERE tenant = $1 AND id = $2 AND version = $3 FOR NO KEY UPDATE"#,
        tenant.as_str(),
        id.uuid(),
        version
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// This sheet is in force, and none is to be made.
pub(crate) async fn made(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
    version: i64,
    document: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE assets SET sheet_document_id = $4, sheet_version = $3, sheet_due_at = NULL, sheet_tries = 0
         WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        id.uuid(),
        version,
        document
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// It was not made: the next time, or never until the asset changes. One that changed meanwhile has its own time.
pub(crate) async fn failed(
    connection: &mut PgConnection,
    due: &Claimed,
    again: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE assets SET sheet_due_at = $4 WHERE tenant = $1 AND id = $2 AND sheet_tries = $3",
        due.tenant.as_str(),
        due.id,
        due.tries,
        again
    )
    .execute(connection)
    .await?;
    Ok(())
}
