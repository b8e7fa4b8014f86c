//! Serials of a tenant: generated ones, and those that are nearly the same.

use puente_outbox::Tx;
use puente_types::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::serial;

/// The newest serials that one is compared with.
const COMPARED: i64 = 5_000;
/// Characters in which similar ones differ at most.
const NEAR: usize = 2;
/// Similar ones that are shown.
const SHOWN: usize = 5;

/// The next generated id of a tenant. Whoever generates at the same time waits.
pub(crate) async fn generate(tx: &mut Tx, tenant: &TenantId) -> Result<String, sqlx::Error> {
    let number = sqlx::query_scalar!(
        "INSERT INTO generated_serials (tenant, last) VALUES ($1, 1)
         ON CONFLICT (tenant) DO UPDATE SET last = generated_serials.last + 1
         RETURNING last",
        tenant.as_str(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(serial::generated(number.unsigned_abs()))
}

/// A serial that is nearly the same.
#[derive(Debug)]
pub(crate) struct Similar {
    pub(crate) serial: String,
    pub(crate) capture: Uuid,
    pub(crate) distance: usize,
}

/// Serials of ended captures, among the newest of the tenant, that are nearly but not quite `serial`; the nearest first.
pub(crate) async fn similar(
    connection: &mut PgConnection,
    tenant: &TenantId,
    serial: &str,
) -> Result<Vec<Similar>, sqlx::Error> {
    let own = serial::key(serial);
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let length = i32::try_from(own.len()).unwrap_or(i32::MAX);
    let near = i32::try_from(NEAR).unwrap_or(0);
    let rows = sqlx::query!(
        "SELECT id, serial, serial_key FROM plate_captures
         WHERE tenant = $1 AND version > 0 AND state IN ('Leido', 'EscritoAMano') AND serial_key <> $2
           AND length(serial_key) BETWEEN $3 AND $4
         ORDER BY opened_at DESC, id DESC LIMIT $5",
        tenant.as_str(),
        own,
        length.saturating_sub(near),
        length.saturating_add(near),
        COMPARED,
    )
    .fetch_all(connection)
    .await?;
    let mut found: Vec<Similar> = Vec::new();
    for row in rows {
        let Some(distance) = serial::distance(&own, &row.serial_key, NEAR) else {
            continue;
        };
        // One serial once, of its newest capture.
        if !found
            .iter()
            .any(|other| serial::key(&other.serial) == row.serial_key)
        {
            found.push(Similar {
                serial: row.serial,
                capture: row.id,
                distance,
            });
        }
    }
    found.sort_by(|one, other| (one.distance, &one.serial).cmp(&(other.distance, &other.serial)));
    found.truncate(SHOWN);
    Ok(found)
}
