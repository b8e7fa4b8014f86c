//! A person decides what becomes of a send whose outcome nobody knows.

use puente_effects::Resolution;
use puente_outbox::{Outbox, OutboxError};
use puente_types::{Clock, EffectId, MessageId, TenantId};

use crate::domain::state::State;
use crate::infrastructure::store::message::{self, Report};

/// Repeats or closes a parked send. A closed one leaves its message failed, so that nobody goes on waiting for it.
/// `false` when the effect is not parked (any more).
///
/// # Errors
/// The database's own.
pub async fn resolve_doubt(
    outbox: &Outbox,
    clock: &dyn Clock,
    effect: EffectId,
    resolution: &Resolution,
    by: &str,
) -> Result<bool, OutboxError> {
    let mut tx = outbox.begin().await?;
    let parked = sqlx::query!(
        "SELECT tenant, subject_id FROM effects WHERE id = $1 AND state = 'unknown' FOR UPDATE",
        effect.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(parked) = parked else { return Ok(false) };
    if !puente_effects::resolve(&mut tx, effect, resolution, by).await? {
        return Ok(false);
    }
    if let Resolution::Close { .. } = resolution
        && let (Ok(tenant), Ok(id)) = (
            parked.tenant.parse::<TenantId>(),
            parked.subject_id.parse::<MessageId>(),
        )
        && let Some(mut row) = message::lock(&mut tx, &tenant, id).await?
    {
        let report = Report {
            state: State::Failed,
            at: clock.now(),
            source: "person",
            error: Some(("closed_by_person".to_owned(), "permanent")),
            billable: None,
            price_category: None,
            cause: effect.to_string(),
        };
        message::hear(&mut tx, &mut row, &report, &[]).await?;
    }
    tx.commit().await?;
    Ok(true)
}
