//! A capture's row as the database gives it.

use puente_types::TenantId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::capture::Capture;
use crate::infrastructure::store::row::Row;

/// The columns of a capture.
pub(crate) struct Flat {
    pub(crate) id: Uuid,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) order_id: Option<Uuid>,
    pub(crate) asset_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) contact: Option<serde_json::Value>,
    pub(crate) serial: String,
    pub(crate) confidence: i32,
    pub(crate) origin: String,
    pub(crate) decided_by: String,
    pub(crate) engine: String,
    pub(crate) facts: serde_json::Value,
    pub(crate) attempt: i32,
    pub(crate) attempts_allowed: i32,
    pub(crate) threshold: i32,
    pub(crate) next_turn: i32,
    pub(crate) tries: i32,
    pub(crate) opened_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) traceparent: Option<String>,
}

impl Flat {
    /// The capture of a tenant.
    pub(crate) fn row(self, tenant: &TenantId) -> Result<Row, sqlx::Error> {
        let origin = Some(self.origin).filter(|origin| !origin.is_empty());
        let capture = Capture {
            state: self.state.parse().map_err(decode)?,
            version: self.version,
            attempt: self.attempt.unsigned_abs(),
            allowed: self.attempts_allowed.unsigned_abs(),
            threshold: self.threshold.unsigned_abs(),
            serial: self.serial,
            permille: self.confidence.unsigned_abs(),
            origin: origin.map(|origin| origin.parse().map_err(decode)).transpose()?,
            by: self.decided_by,
            engine: self.engine,
            facts: serde_json::from_value(self.facts).map_err(decode)?,
            moved: Vec::new(),
        };
        Ok(Row {
            id: self.id,
            tenant: tenant.clone(),
            order: self.order_id,
            asset: self.asset_id,
            channel: self.channel,
            contact: self
                .contact
                .map(serde_json::from_value)
                .transpose()
                .map_err(decode)?,
            next_turn: self.next_turn,
            tries: self.tries,
            opened_at: self.opened_at,
            updated_at: self.updated_at,
            traceparent: self.traceparent,
            capture,
        })
    }
}

pub(crate) fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What is kept as JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, sqlx::Error> {
    serde_json::to_value(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// A count as tables keep it.
pub(crate) fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
