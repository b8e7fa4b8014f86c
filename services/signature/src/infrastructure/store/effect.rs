//! Calls that wait: for a person who sets them going again, or for a better time.

use puente_effects::{Effect, Resolution};
use puente_outbox::Tx;
use puente_types::TenantId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::infrastructure::store::row::Row;

/// Locks the calls of a request, before the request itself: whoever settles a call locks in this order, and a command in the
/// other one would deadlock with it.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, request: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT id FROM effects WHERE tenant = $1 AND subject_id = $2 ORDER BY id FOR UPDATE",
        tenant.as_str(),
        request.to_string(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(())
}

/// Calls of this request and kind that wait are due now; one in doubt is made again, which looks for the envelope first.
pub(crate) async fn hasten(tx: &mut Tx, row: &Row, operation: &str, by: &str) -> Result<(), sqlx::Error> {
    let waiting = sqlx::query!(
        "SELECT id, state FROM effects
         WHERE tenant = $1 AND subject_id = $2 AND operation = $3 FOR UPDATE",
        row.tenant.as_str(),
        row.id.to_string(),
        operation,
    )
    .fetch_all(&mut **tx)
    .await?;
    for call in waiting {
        if call.state == "unknown" {
            puente_effects::resolve(tx, call.id.into(), &Resolution::Repeat, by).await?;
        } else {
            sqlx::query!(
                "UPDATE effects SET not_before = clock_timestamp() WHERE id = $1 AND state = 'due'",
                call.id,
            )
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// A call that is due waits until then.
pub(crate) async fn put_off(tx: &mut Tx, effect: &Effect, until: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE effects SET not_before = $2 WHERE id = $1 AND state = 'due'",
        effect.id.uuid(),
        until,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
