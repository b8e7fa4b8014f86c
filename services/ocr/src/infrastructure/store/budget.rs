//! How many billed calls a connection made in a day and in a month, exact over replicas.

use puente_types::{ConnectionId, TenantId};
use sqlx::PgPool;
use time::OffsetDateTime;

/// The most calls; 0 means any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) per_day: u32,
    pub(crate) per_month: u32,
}

/// Counts a call before it is made. `false` when the day or the month has no more.
pub(crate) async fn take(
    pool: &PgPool,
    tenant: &TenantId,
    connection: &ConnectionId,
    budget: Budget,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let (year, month, day) = now.to_offset(time::UtcOffset::UTC).to_calendar_date();
    let month = format!("{year:04}-{:02}", u8::from(month));
    let mut tx = pool.begin().await?;
    // The day first, always: two calls never wait for each other crosswise.
    for (period, most) in [
        (format!("{month}-{day:02}"), budget.per_day),
        (month, budget.per_month),
    ] {
        let most = if most == 0 {
            i32::MAX
        } else {
            i32::try_from(most).unwrap_or(i32::MAX)
        };
        let counted = sqlx::query!(
            "INSERT INTO billed_calls (tenant, connection, period, calls) VALUES ($1, $2, $3, 1)
             ON CONFLICT (tenant, connection, period) DO UPDATE SET calls = billed_calls.calls + 1
             WHERE billed_calls.calls < $4",
            tenant.as_str(),
            connection.as_str(),
            period,
            most,
        )
        .execute(&mut *tx)
        .await?;
        if counted.rows_affected() == 0 {
            return Ok(false);
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Forgets what was counted in periods before this one, which are over; at most `limit`.
pub(crate) async fn purge(
    connection: &mut sqlx::PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let (year, month, _) = before.to_offset(time::UtcOffset::UTC).to_calendar_date();
    let oldest = format!("{year:04}-{:02}", u8::from(month));
    let gone = sqlx::query!(
        "DELETE FROM billed_calls WHERE ctid IN (SELECT ctid FROM billed_calls WHERE period < $1 LIMIT $2)",
        oldest,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
