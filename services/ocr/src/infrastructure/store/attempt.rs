//! Photographs and their readings: a row is made when a photograph is counted, and filled in as it is fetched and read.

use puente_blob::Stored;
use puente_outbox::Tx;
use puente_proto::ocr::StoredPhoto;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::serial;
use crate::infrastructure::reading::{Reading, Trouble};
use crate::infrastructure::store::flat::{count, decode, json};
use crate::infrastructure::store::turn::File;

/// The state of an attempt whose photograph is not here yet.
pub(crate) const FETCHING: &str = "fetching";

/// An attempt as it stands.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) attempt: u32,
    pub(crate) state: String,
    pub(crate) source: Option<File>,
    pub(crate) began_at: OffsetDateTime,
    pub(crate) photo: Option<StoredPhoto>,
    pub(crate) engine: String,
    pub(crate) serial: String,
    pub(crate) confidence: u32,
    pub(crate) flaws: Vec<String>,
    pub(crate) reading: Reading,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) took_ms: u32,
    pub(crate) read_at: Option<OffsetDateTime>,
}

pub(crate) struct FlatAttempt {
    pub(crate) attempt: i32,
    pub(crate) state: String,
    pub(crate) source: Option<serde_json::Value>,
    pub(crate) began_at: OffsetDateTime,
    pub(crate) document_id: Option<Uuid>,
    pub(crate) container: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) bytes: Option<i64>,
    pub(crate) engine: String,
    pub(crate) serial: String,
    pub(crate) confidence: i32,
    pub(crate) flaws: Vec<String>,
    pub(crate) reading: serde_json::Value,
    pub(crate) troubles: serde_json::Value,
    pub(crate) took_ms: i32,
    pub(crate) read_at: Option<OffsetDateTime>,
}

impl FlatAttempt {
    fn read(self) -> Result<Attempt, sqlx::Error> {
        let photo = self.key.map(|key| StoredPhoto {
            document_id: self.document_id.map(|id| id.to_string()).unwrap_or_default(),
            container: self.container.unwrap_or_default(),
            key,
            sha256: self.sha256.unwrap_or_default(),
            media_type: self.media_type.unwrap_or_default(),
            bytes: self.bytes.unwrap_or_default().unsigned_abs(),
        });
        Ok(Attempt {
            attempt: self.attempt.unsigned_abs(),
            state: self.state,
            source: self
                .source
                .map(serde_json::from_value)
                .transpose()
                .map_err(decode)?,
            began_at: self.began_at,
            photo,
            engine: self.engine,
            serial: self.serial,
            confidence: self.confidence.unsigned_abs(),
            flaws: self.flaws,
            reading: serde_json::from_value(self.reading).map_err(decode)?,
            troubles: serde_json::from_value(self.troubles).map_err(decode)?,
            took_ms: self.took_ms.unsigned_abs(),
            read_at: self.read_at,
        })
    }
}

/// Counts a photograph of a conversation: it is to be fetched.
pub(crate) async fn open(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    attempt: u32,
    turn: i32,
    source: &File,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO attempts (capture_id, attempt, tenant, turn, state, source, began_at)
         VALUES ($1, $2, $3, $4, 'fetching', $5, $6)",
        capture,
        count(attempt),
        tenant.as_str(),
        turn,
        json(source)?,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Counts a photograph that is stored already: it is to be read.
pub(crate) async fn brought(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    attempt: u32,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO attempts (capture_id, attempt, tenant, state, began_at) VALUES ($1, $2, $3, 'reading', $4)",
        capture,
        count(attempt),
        tenant.as_str(),
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The photograph is stored and recorded; where it came from is forgotten.
pub(crate) async fn stored(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    attempt: u32,
    document: Uuid,
    stored: &Stored,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE attempts SET state = 'reading', source = NULL, document_id = $4, container = $5, key = $6, sha256 = $7,
                             media_type = $8, bytes = $9
         WHERE capture_id = $1 AND tenant = $2 AND attempt = $3",
        capture,
        tenant.as_str(),
        count(attempt),
        document,
        stored.container.as_str(),
        stored.key.as_str(),
        stored.sha256.to_string(),
        stored.media_type.mime(),
        i64::try_from(stored.bytes).unwrap_or(i64::MAX),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What became of reading it.
#[derive(Debug)]
pub(crate) struct Settled<'a> {
    /// `read`, `nothing`, `unusable` or `failed`.
    pub(crate) state: &'static str,
    pub(crate) engine: &'a str,
    pub(crate) reading: &'a Reading,
    pub(crate) troubles: &'a [Trouble],
    pub(crate) took_ms: u32,
}

/// Its reading has ended.
pub(crate) async fn settle(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    attempt: u32,
    settled: &Settled<'_>,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let likeliest = settled.reading.likeliest();
    let (serial, permille, label) = likeliest.as_ref().map_or(("", 0, ""), |(likely, candidate)| {
        (likely.serial.as_str(), likely.permille, candidate.label.as_str())
    });
    sqlx::query!(
        "UPDATE attempts SET state = $4, source = NULL, engine = $5, model = $6, serial = $7, serial_key = $8, confidence = $9,
                             label = $10, flaws = $11, reading = $12, troubles = $13, took_ms = $14, read_at = $15
         WHERE capture_id = $1 AND tenant = $2 AND attempt = $3",
        capture,
        tenant.as_str(),
        count(attempt),
        settled.state,
        settled.engine,
        settled.reading.model,
        serial,
        serial::key(serial),
        count(permille),
        label,
        &settled.reading.flaws,
        json(settled.reading)?,
        json(&settled.troubles)?,
        count(settled.took_ms),
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The attempt of a capture that is being fetched or read.
pub(crate) async fn under_way(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
) -> Result<Option<Attempt>, sqlx::Error> {
    let flat = sqlx::query_as!(
        FlatAttempt,
        "SELECT attempt, state, source, began_at, document_id, container, key, sha256, media_type, bytes, engine, serial,
                confidence, flaws, reading, troubles, took_ms, read_at
         FROM attempts WHERE capture_id = $1 AND tenant = $2 AND state IN ('fetching', 'reading')
         ORDER BY attempt LIMIT 1",
        capture,
        tenant.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    flat.map(FlatAttempt::read).transpose()
}

/// All attempts of a capture, the oldest first.
pub(crate) async fn all(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
) -> Result<Vec<Attempt>, sqlx::Error> {
    let flat = sqlx::query_as!(
        FlatAttempt,
        "SELECT attempt, state, source, began_at, document_id, container, key, sha256, media_type, bytes, engine, serial,
                confidence, flaws, reading, troubles, took_ms, read_at
         FROM attempts WHERE capture_id = $1 AND tenant = $2 ORDER BY attempt",
        capture,
        tenant.as_str(),
    )
    .fetch_all(connection)
    .await?;
    flat.into_iter().map(FlatAttempt::read).collect()
}

/// All photographs of a capture, the oldest first.
pub(crate) async fn photos(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
) -> Result<Vec<StoredPhoto>, sqlx::Error> {
    let all = all(tx, tenant, capture).await?;
    Ok(all.into_iter().filter_map(|attempt| attempt.photo).collect())
}

/// How many photographs of a tenant wait to be read.
pub(crate) async fn waiting(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM attempts WHERE tenant = $1 AND state IN ('fetching', 'reading')"#,
        tenant.as_str(),
    )
    .fetch_one(connection)
    .await
}
