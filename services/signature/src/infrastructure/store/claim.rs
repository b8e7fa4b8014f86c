//! Who works on what: a request that is taken up is held for a short while, again and again, so that no other replica takes
//! it meanwhile, and the next one does if this one dies.

use puente_types::TenantId;
use puente_work::Hold;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::Step;

/// A request that this replica works on now.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) traceparent: Option<String>,
    /// Times that it was taken up for its step.
    pub(crate) tries: i32,
}

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
    row.map(|row| claimed(row.id, &row.tenant, row.traceparent, row.tries))
        .transpose()
}

/// Holds it on; `false` when somebody else does, or nobody.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    claimed: &Claimed,
    hold: Hold,
) -> Result<bool, sqlx::Error> {
    let held = sqlx::query!(
        "UPDATE signatures SET held_until = $4 WHERE id = $1 AND tenant = $2 AND held_by = $3",
        claimed.id,
        claimed.tenant.as_str(),
        hold.by,
        hold.until,
    )
    .execute(connection)
    .await?;
    Ok(held.rows_affected() == 1)
}

/// Lets go of it.
pub(crate) async fn release(
    connection: &mut PgConnection,
    claimed: &Claimed,
    by: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signatures SET held_until = NULL, held_by = NULL WHERE id = $1 AND tenant = $2 AND held_by = $3",
        claimed.id,
        claimed.tenant.as_str(),
        by,
    )
    .execute(connection)
    .await?;
    Ok(())
}

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

/// Takes at most `most` envelopes of a provider that are quiet since `before`, and of which none was asked about since
/// `asked_before`, to be asked about now.
pub(crate) async fn quiet(
    connection: &mut PgConnection,
    provider: &str,
    before: OffsetDateTime,
    asked_before: OffsetDateTime,
    now: OffsetDateTime,
    most: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE signatures SET checked_at = $4, quiet_since = $4 WHERE id IN (
             SELECT id FROM signatures
             WHERE step = 'waiting' AND provider = $1 AND quiet_since <= $2
               AND (checked_at IS NULL OR checked_at <= $3)
             ORDER BY quiet_since LIMIT $5 FOR UPDATE SKIP LOCKED)
         RETURNING id, tenant, traceparent",
        provider,
        before,
        asked_before,
        now,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| claimed(row.id, &row.tenant, row.traceparent, 0))
        .collect()
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

fn claimed(id: Uuid, tenant: &str, traceparent: Option<String>, tries: i32) -> Result<Claimed, sqlx::Error> {
    Ok(Claimed {
        id,
        tenant: tenant
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        traceparent,
        tries,
    })
}
