//! Who works on what: a capture that is taken up is held for a short while, again and again, so that no other replica takes
//! it meanwhile, and the next one does if this one dies.

use puente_work::{Claimed, Hold};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Takes up a capture whose time has come, and holds it. Of the tenants that have work, the one of which the
/// fewest are being worked on comes first: a tenant with a hundred photographs keeps no other one waiting.
pub(crate) async fn due(
    connection: &mut PgConnection,
    hold: Hold,
    now: OffsetDateTime,
) -> Result<Option<Claimed>, sqlx::Error> {
    // The tenants are found by jumping from one to the next in the index, whatever the number of their captures.
    let row = sqlx::query!(
        "WITH RECURSIVE tenants AS (
             (SELECT tenant FROM plate_captures WHERE due_at IS NOT NULL ORDER BY tenant LIMIT 1)
             UNION ALL
             SELECT (SELECT c.tenant FROM plate_captures c
                     WHERE c.due_at IS NOT NULL AND c.tenant > t.tenant ORDER BY c.tenant LIMIT 1)
             FROM tenants t WHERE t.tenant IS NOT NULL)
         UPDATE plate_captures SET held_until = $2, held_by = $3, tries = tries + 1 WHERE id = (
             SELECT first.id FROM tenants t
             CROSS JOIN LATERAL (
                 SELECT c.id, c.due_at FROM plate_captures c
                 WHERE c.tenant = t.tenant AND c.due_at <= $1 AND (c.held_until IS NULL OR c.held_until <= $1)
                 ORDER BY c.due_at LIMIT 1 FOR UPDATE SKIP LOCKED) first
             CROSS JOIN LATERAL (
                 SELECT count(*) AS count FROM plate_captures c
                 WHERE c.tenant = t.tenant AND c.held_until > $1) held
             ORDER BY held.count, first.due_at LIMIT 1)
         RETURNING id, tenant, traceparent, tries",
        now,
        hold.until,
        hold.by,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Claimed::read(row.id, &row.tenant, row.traceparent, row.tries))
        .transpose()
}

puente_work::holds!("plate_captures", until: "held_until", by: "held_by");

/// Lets go of it until something comes: nothing is to be done. Its row is locked by the caller, who has its hold.
pub(crate) async fn rest(connection: &mut PgConnection, claimed: &Claimed) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plate_captures SET held_until = NULL, held_by = NULL, due_at = NULL, tries = 0
         WHERE id = $1 AND tenant = $2",
        claimed.id,
        claimed.tenant.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// It is taken up again at `due`. Its row is locked by the caller.
pub(crate) async fn later(
    connection: &mut PgConnection,
    claimed: &Claimed,
    due: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plate_captures SET due_at = $3 WHERE id = $1 AND tenant = $2",
        claimed.id,
        claimed.tenant.as_str(),
        due,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How often it was taken up for its step; its row is locked until the transaction ends.
pub(crate) async fn tries(connection: &mut PgConnection, claimed: &Claimed) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT tries FROM plate_captures WHERE id = $1 AND tenant = $2 FOR UPDATE",
        claimed.id,
        claimed.tenant.as_str(),
    )
    .fetch_one(connection)
    .await
}

/// At most `most` open captures that nobody touched since `before`.
pub(crate) async fn quiet(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, tenant, traceparent, tries FROM plate_captures
         WHERE touched_at < $1 AND state IN ('Leyendo', 'PorConfirmar', 'OtraFoto', 'Ilegible')
         ORDER BY touched_at LIMIT $2",
        before,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Claimed::read(row.id, &row.tenant, row.traceparent, row.tries))
        .collect()
}

/// Whether nobody touched it since `before`; its row is locked by the caller.
pub(crate) async fn untouched(
    connection: &mut PgConnection,
    claimed: &Claimed,
    before: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM plate_captures WHERE id = $1 AND tenant = $2 AND touched_at < $3",
        claimed.id,
        claimed.tenant.as_str(),
        before,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}
