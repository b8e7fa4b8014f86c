//! Who works on what: a row that is taken up gets a later time, so that no other replica takes it meanwhile, and the next
//! one does if this one dies.

use puente_types::TenantId;
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
}

/// Takes up at most `most` requests of a step whose time has come, and holds them until `until`.
pub(crate) async fn due(
    connection: &mut PgConnection,
    step: Step,
    now: OffsetDateTime,
    until: OffsetDateTime,
    most: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE signatures SET due_at = $3, tries = tries + 1 WHERE id IN (
             SELECT id FROM signatures
             WHERE step = $1 AND step IN ('preparing', 'storing') AND due_at <= $2
             ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
         RETURNING id, tenant, traceparent",
        step.as_str(),
        now,
        until,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| claimed(row.id, &row.tenant, row.traceparent))
        .collect()
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
        .map(|row| claimed(row.id, &row.tenant, row.traceparent))
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

fn claimed(id: Uuid, tenant: &str, traceparent: Option<String>) -> Result<Claimed, sqlx::Error> {
    Ok(Claimed {
        id,
        tenant: tenant
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        traceparent,
    })
}
