//! The call that a person sets going again.

use puente_effects::Resolution;
use puente_outbox::Tx;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::row::Row;

/// A call of this request that waits is due now; one in doubt is made again, which looks for the envelope first.
pub(crate) async fn hasten(tx: &mut Tx, row: &Row, by: &str) -> Result<(), sqlx::Error> {
    let waiting = sqlx::query!(
        "SELECT id, state FROM effects WHERE key = $1 AND tenant = $2 FOR UPDATE",
        Desk::create_key(row),
        row.tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(waiting) = waiting else { return Ok(()) };
    if waiting.state == "unknown" {
        puente_effects::resolve(tx, waiting.id.into(), &Resolution::Repeat, by).await?;
    } else {
        sqlx::query!(
            "UPDATE effects SET not_before = clock_timestamp() WHERE id = $1 AND state = 'due'",
            waiting.id,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
