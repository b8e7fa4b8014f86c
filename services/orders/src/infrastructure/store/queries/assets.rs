//! Questions about assets.

use puente_types::TenantId;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::PgQueries;
use crate::domain::asset::{AssetId, AssetNumber, Confidence, Data, Fact, Origin, Values};
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::queries::AssetQueries;
use crate::domain::view::{AssetFactView, AssetFilter, AssetKey, AssetView, Place};

/// Facts in one answer.
const MOST_FACTS: i64 = 200;
/// Sorts after every serial that begins with what stands before it.
const LAST: char = char::MAX;

/// What the statement is asked; what is `None` does not restrict.
#[derive(Default)]
struct Wanted {
    id: Option<Uuid>,
    number: Option<i64>,
    serial: Option<String>,
    /// Number or beginning of a serial.
    search: Option<(Option<i64>, String)>,
    order: Option<Uuid>,
    after: Option<Place>,
    limit: i64,
}

struct ViewRow {
    id: Uuid,
    number: i64,
    serial: String,
    origin: String,
    confidence: i32,
    decided_by: String,
    read: Json<Values>,
    written: Json<Values>,
    order_id: Option<Uuid>,
    order_number: Option<i64>,
    version: i64,
    registered_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    sheet_document_id: Option<Uuid>,
    sheet_version: i64,
    traceparent: Option<String>,
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: Wanted,
) -> Result<Vec<AssetView>, StoreError> {
    let (of_number, from) = wanted.search.unzip();
    let to = from.as_ref().map(|from| format!("{from}{LAST}"));
    let rows = sqlx::query_as!(
        ViewRow,
        r#"SELECT a.id, a.number, a.serial, a.origin, a.confidence, a.decided_by, a.read AS "read: Json<Values>",
                  a.written AS "written: Json<Values>", a.order_id, o.number AS "order_number?", a.version,
                  a.registered_at, a.changed_at, a.sheet_document_id, a.sheet_version, a.traceparent
           FROM assets a LEFT JOIN orders o ON o.tenant = a.tenant AND o.id = a.order_id
           WHERE a.tenant = $1
             AND ($2::uuid IS NULL OR a.id = $2)
             AND ($3::bigint IS NULL OR a.number = $3)
             AND ($4::text IS NULL OR a.serial_key = $4)
             AND ($5::text IS NULL OR (a.serial_key >= $5 AND a.serial_key < $6) OR a.number = $7)
             AND ($8::uuid IS NULL OR a.order_id = $8)
             AND ($9::timestamptz IS NULL OR (a.changed_at, a.id) < ($9, $10))
           ORDER BY a.changed_at DESC, a.id DESC LIMIT $11"#,
        tenant.as_str(),
        wanted.id,
        wanted.number,
        wanted.serial,
        from,
        to,
        of_number.flatten(),
        wanted.order,
        wanted.after.map(|place| place.at),
        wanted.after.map(|place| place.id),
        wanted.limit
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(AssetView::try_from).collect()
}

/// One asset, in the caller's transaction.
pub(in super::super) async fn by_id(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
) -> Result<Option<AssetView>, StoreError> {
    let wanted = Wanted {
        id: Some(id.uuid()),
        limit: 1,
        ..Wanted::default()
    };
    Ok(read(connection, tenant, wanted).await?.pop())
}

impl AssetQueries for PgQueries {
    async fn find(&self, tenant: &TenantId, key: AssetKey) -> Result<Option<AssetView>, StoreError> {
        let mut wanted = Wanted {
            limit: 1,
            ..Wanted::default()
        };
        match key {
            AssetKey::Id(id) => wanted.id = Some(id.uuid()),
            AssetKey::Number(number) => wanted.number = Some(number.count()),
            AssetKey::Serial(serial) => wanted.serial = Some(serial.key().to_owned()),
        }
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let mut found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found.pop())
    }

    async fn latest(
        &self,
        tenant: &TenantId,
        filter: &AssetFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<AssetView>, StoreError> {
        let search = filter.search.as_ref();
        let wanted = Wanted {
            search: search.map(|search| (search.number.map(AssetNumber::count), search.serial.clone())),
            order: filter.order.map(|order| order.uuid()),
            after,
            limit: limit.into(),
            ..Wanted::default()
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn history(&self, tenant: &TenantId, id: AssetId) -> Result<Vec<AssetFactView>, StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let rows = sqlx::query!(
            r#"SELECT version, fact, capture_id, order_id, serial, origin, confidence, done_by,
                      data AS "data: Json<Values>", at, traceparent
               FROM asset_history WHERE tenant = $1 AND asset_id = $2 ORDER BY version DESC LIMIT $3"#,
            tenant.as_str(),
            id.uuid(),
            MOST_FACTS
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let facts = rows.into_iter().rev().map(|row| {
            let corrupt = || StoreError::Corrupt(format!("history of asset {id}"));
            Ok(AssetFactView {
                version: row.version,
                fact: Fact::named(&row.fact).ok_or_else(corrupt)?,
                capture: row.capture_id,
                order: row.order_id.map(Into::into),
                serial: row.serial,
                origin: row.origin,
                confidence: Confidence::permille(row.confidence.unsigned_abs()),
                by: row.done_by,
                data: row.data.0,
                at: row.at,
                traceparent: row.traceparent,
            })
        });
        facts.collect()
    }
}

impl TryFrom<ViewRow> for AssetView {
    type Error = StoreError;
    fn try_from(row: ViewRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of asset {}", row.id));
        let data = Data {
            read: row.read.0,
            written: row.written.0,
        };
        let order = row.order_id.zip(row.order_number.and_then(OrderNumber::new));
        Ok(Self {
            number: AssetNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
            origin: Origin::named(&row.origin).ok_or_else(|| corrupt("origin"))?,
            confidence: Confidence::permille(row.confidence.unsigned_abs()),
            id: row.id.into(),
            serial: row.serial,
            by: row.decided_by,
            data: data.shown(),
            order: order.map(|(id, number)| (id.into(), number)),
            version: row.version,
            registered_at: row.registered_at,
            changed_at: row.changed_at,
            sheet: row.sheet_document_id.map(|id| (id, row.sheet_version)),
            traceparent: row.traceparent,
        })
    }
}
