//! Which quiet envelopes are asked for, and how often their account may be: exact over all replicas.

use puente_types::TenantId;
use puente_work::Claimed;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

/// Connections looked at in one round.
const ACCOUNTS: i64 = 64;
/// What an account may be asked is counted by the hour.
const HOUR: Duration = Duration::HOUR;

/// When an envelope is to be asked for, by how often it was asked for in vain: those that are quiet since then.
pub(crate) struct Due {
    pub(crate) polls: Vec<i32>,
    pub(crate) quiet_since: Vec<OffsetDateTime>,
    /// None is asked for that was asked for after this.
    pub(crate) asked_before: OffsetDateTime,
    pub(crate) now: OffsetDateTime,
}

/// A tenant's connection.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) tenant: TenantId,
    pub(crate) connection: String,
}

/// The connections of a provider with envelopes to be asked for, but for those that want to be left alone.
pub(crate) async fn accounts(
    connection: &mut PgConnection,
    provider: &str,
    due: &Due,
) -> Result<Vec<Account>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT quiet.tenant AS "tenant!", quiet.connection AS "connection!"
           FROM unnest($2::integer[], $3::timestamptz[]) AS level (polls, before)
           CROSS JOIN LATERAL (
               SELECT s.tenant, s.connection FROM signatures s
               WHERE s.step = 'waiting' AND s.provider = $1 AND s.polls = level.polls AND s.quiet_since <= level.before
                 AND (s.checked_at IS NULL OR s.checked_at <= $4)) AS quiet
           LEFT JOIN polling p ON p.tenant = quiet.tenant AND p.connection = quiet.connection
           WHERE p.paused_until IS NULL OR p.paused_until <= $5
           ORDER BY 1, 2 LIMIT $6"#,
        provider,
        &due.polls,
        &due.quiet_since,
        due.asked_before,
        due.now,
        ACCOUNTS,
    )
    .fetch_all(connection)
    .await?;
    let account = |tenant: String, connection| {
        let tenant = tenant
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Account { tenant, connection })
    };
    rows.into_iter()
        .map(|row| account(row.tenant, row.connection))
        .collect()
}

/// Takes the envelope of a connection that is quiet for longest, to be asked about now; who asks has written so before.
pub(crate) async fn quiet(
    connection: &mut PgConnection,
    of: &Account,
    due: &Due,
) -> Result<Option<Claimed>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE signatures SET checked_at = $5, quiet_since = $5, polls = least(polls + 1, $6) WHERE id = (
             SELECT s.id FROM signatures s
             JOIN unnest($3::integer[], $4::timestamptz[]) AS level (polls, before) ON s.polls = level.polls
             WHERE s.step = 'waiting' AND s.tenant = $1 AND s.connection = $2 AND s.quiet_since <= level.before
               AND (s.checked_at IS NULL OR s.checked_at <= $7)
             ORDER BY s.quiet_since LIMIT 1 FOR UPDATE OF s SKIP LOCKED)
         RETURNING id, tenant, traceparent",
        of.tenant.as_str(),
        of.connection,
        &due.polls,
        &due.quiet_since,
        due.now,
        due.polls.last().copied().unwrap_or_default(),
        due.asked_before,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Claimed::read(row.id, &row.tenant, row.traceparent, 0))
        .transpose()
}

/// Counts a question against what the account may be asked in an hour; `false` when that is used up, or it wants to be left
/// alone.
pub(crate) async fn count(
    connection: &mut PgConnection,
    of: &Account,
    most: i32,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let counted = sqlx::query_scalar!(
        "INSERT INTO polling AS p (tenant, connection, since, asked) VALUES ($1, $2, $3, 1)
         ON CONFLICT (tenant, connection) DO UPDATE
         SET since = CASE WHEN p.since <= $4 THEN $3 ELSE p.since END,
             asked = CASE WHEN p.since <= $4 THEN 1 ELSE p.asked + 1 END
         WHERE (p.paused_until IS NULL OR p.paused_until <= $3) AND (p.since <= $4 OR p.asked < $5)
         RETURNING asked",
        of.tenant.as_str(),
        of.connection,
        now,
        now - HOUR,
        most,
    )
    .fetch_optional(connection)
    .await?;
    Ok(counted.is_some())
}

/// The account is asked nothing until then, by no replica.
pub(crate) async fn pause(
    connection: &mut PgConnection,
    of: &Account,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE polling SET paused_until = greatest(paused_until, $3) WHERE tenant = $1 AND connection = $2",
        of.tenant.as_str(),
        of.connection,
        until,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The question was not answered: it is asked again no later than it would have been.
pub(crate) async fn unanswered(connection: &mut PgConnection, claimed: &Claimed) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signatures SET polls = greatest(polls - 1, 0) WHERE id = $1 AND tenant = $2",
        claimed.id,
        claimed.tenant.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
