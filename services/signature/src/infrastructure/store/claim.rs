//! Who works on what: a request that is taken up is held for a short while, again and again, so that no other replica takes
//! it meanwhile, and the next one does if this one dies.

use puente_types::TenantId;
use puente_work::{Claimed, Hold};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::Step;

/// Takes up a request of a step whose time has come, and holds it.
pub(crate) async fn due(
    connection: &mut PgConnection,
    step: Step,
    hold: Hold,
    now: OffsetDateTime,
) -> Result<Option<Claimed>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE signatures SET held_until = $3, held_by = $4, tries = tries + 1 WHERE id = (
             SELECT id FROM signatures
             WHERE step = $1 AND step IN ('preparing', 'storing') AND due_at <= $2
               AND (held_until IS NULL OR held_until <= $2)
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, tenant, traceparent, tries",
        step.as_str(),
        now,
        hold.until,
        hold.by,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Claimed::read(row.id, &row.tenant, row.traceparent, row.tries))
        .transpose()
}

puente_work::holds!("signatures", until: "held_until", by: "held_by");

/// It is taken up again at `due`, if it is still at that step.
pub(crate) async fn later(
    connection: &mut PgConnection,
    claimed: &Claimed,
    step: Step,
    due: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signatures SET due_at = $4 WHERE id = $1 AND tenant = $2 AND step = $3",
        claimed.id,
        claimed.tenant.as_str(),
        step.as_str(),
        due,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes one envelope to be asked about now, if it was not asked about since `asked_before`.
pub(crate) async fn one(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    asked_before: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "UPDATE signatures SET checked_at = $4, quiet_since = $4
         WHERE id = $1 AND tenant = $2 AND step = 'waiting' AND (checked_at IS NULL OR checked_at <= $3)",
        id,
        tenant.as_str(),
        asked_before,
        now,
    )
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() > 0)
}
