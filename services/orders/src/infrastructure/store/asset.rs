//! Assets in the database: the row, its history and its events, in one transaction.

use puente_outbox::{NewEvent, Tx};
use puente_types::{OrderId, TenantId};
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::asset::{
    Asset, AssetId, AssetNumber, Confidence, Data, Fact, Happened, Origin, Serial, Values,
};
use crate::domain::error::StoreError;
use crate::infrastructure::wire::assets as wire;

/// An asset as stored.
struct AssetRow {
    id: Uuid,
    number: i64,
    version: i64,
    serial: String,
    origin: String,
    confidence: i32,
    decided_by: String,
    read: Json<Values>,
    written: Json<Values>,
    order_id: Option<Uuid>,
}

impl TryFrom<AssetRow> for Asset {
    type Error = StoreError;
    fn try_from(row: AssetRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of asset {}", row.id));
        Ok(Self {
            number: AssetNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
            serial: Serial::new(&row.serial).ok_or_else(|| corrupt("serial"))?,
            origin: Origin::named(&row.origin).ok_or_else(|| corrupt("origin"))?,
            confidence: Confidence::permille(row.confidence.unsigned_abs()),
            id: row.id.into(),
            by: row.decided_by,
            data: Data {
                read: row.read.0,
                written: row.written.0,
            },
            order: row.order_id.map(Into::into),
            version: row.version,
        })
    }
}

/// Lets the captures of a tenant come to their assets one after the other; returns the last number given.
pub(crate) async fn queue_up(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO asset_numbers (tenant, last) VALUES ($1, 0)
         ON CONFLICT (tenant) DO UPDATE SET last = asset_numbers.last RETURNING last",
        tenant.as_str()
    )
    .fetch_one(connection)
    .await
}

/// Whether a capture led to something before.
pub(crate) async fn knows(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM asset_history WHERE tenant = $1 AND capture_id = $2) AS "known!""#,
        tenant.as_str(),
        capture
    )
    .fetch_one(connection)
    .await
}

/// Locks the asset of this id, or of this serial.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<AssetId>,
    serial: Option<&Serial>,
) -> Result<Option<Asset>, StoreError> {
    let row = sqlx::query_as!(
        AssetRow,
        r#"SELECT id, number, version, serial, origin, confidence, decided_by, read AS "read: Json<Values>",
                  written AS "written: Json<Values>", order_id
           FROM assets WHERE tenant = $1 AND (id = $2 OR serial_key = $3) FOR NO KEY UPDATE"#,
        tenant.as_str(),
        id.map(AssetId::uuid),
        serial.map(Serial::key)
    )
    .fetch_optional(connection)
    .await?;
    row.map(Asset::try_from).transpose()
}

/// Writes a new asset, which takes the tenant's next number.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    asset: &Asset,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let written = sqlx::query!(
        "WITH numbered AS (UPDATE asset_numbers SET last = $3 WHERE tenant = $2)
         INSERT INTO assets (id, tenant, number, version, serial, serial_key, origin, confidence, decided_by, read, written,
                             order_id, registered_at, changed_at, traceparent, sheet_due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $13)
         ON CONFLICT (tenant, serial_key) DO NOTHING",
        asset.id.uuid(),
        tenant.as_str(),
        asset.number.count(),
        asset.version,
        asset.serial.printed(),
        asset.serial.key(),
        asset.origin.name(),
        i32::from(asset.confidence.get()),
        asset.by,
        Json(&asset.data.read) as _,
        Json(&asset.data.written) as _,
        asset.order.map(OrderId::uuid),
        now,
        puente_telemetry::current_traceparent()
    )
    .execute(connection)
    .await?;
    if written.rows_affected() == 0 {
        // Whoever registers waits in the tenant's queue, and has looked for the serial there.
        return Err(StoreError::Corrupt("a serial that is taken and not found".into()));
    }
    Ok(())
}

/// Writes a locked asset as it stands now; a new sheet is to be made.
pub(crate) async fn update(
    connection: &mut PgConnection,
    tenant: &TenantId,
    asset: &Asset,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE assets SET version = $3, read = $4, written = $5, order_id = $6, changed_at = $7, sheet_due_at = $7,
                           sheet_tries = 0
         WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        asset.id.uuid(),
        asset.version,
        Json(&asset.data.read) as _,
        Json(&asset.data.written) as _,
        asset.order.map(OrderId::uuid),
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what happened to an asset, and queues its event.
pub(crate) async fn tell(
    tx: &mut Tx,
    tenant: &TenantId,
    asset: &Asset,
    happened: &Happened,
    now: OffsetDateTime,
    cause: &str,
) -> Result<(), sqlx::Error> {
    let id = asset.id;
    let event = match happened.fact {
        Fact::Registered => NewEvent::new(tenant, id, &wire::registered(asset, happened, now)),
        Fact::Seen | Fact::Changed | Fact::Mismatch => {
            NewEvent::new(tenant, id, &wire::changed(asset, happened, now))
        }
    };
    let reading = happened.reading.as_ref();
    sqlx::query!(
        "INSERT INTO asset_history (asset_id, version, tenant, event_id, fact, capture_id, order_id, serial, origin,
                                    confidence, done_by, data, at, traceparent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        id.uuid(),
        happened.version,
        tenant.as_str(),
        event.id.uuid(),
        happened.fact.name(),
        reading.map(|reading| reading.capture),
        reading.and_then(|reading| reading.order).map(OrderId::uuid),
        reading.map_or("", |reading| reading.serial.printed()),
        reading.map_or("", |reading| reading.origin.name()),
        reading.map_or(0, |reading| i32::from(reading.confidence.get())),
        happened.by,
        Json(&happened.data) as _,
        now,
        puente_telemetry::current_traceparent()
    )
    .execute(&mut **tx)
    .await?;
    tx.append(event.version(happened.version).caused_by(cause));
    Ok(())
}
