//! The rows of `replays`: asked for by callers, claimed and moved on by workers.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::part::Wanted;
use crate::domain::{Counts, DeliveryFilter};

/// A replay that is not done by then, because broker or database stay away, is given up.
const LONGEST: Duration = Duration::days(1);
/// Replays of one scope that may run at the same time.
const MOST_RUNNING: i64 = 10;
/// How long replays are remembered.
const REMEMBERED: Duration = Duration::days(30);

/// A replay as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub(crate) id: Uuid,
    pub(crate) wanted: Wanted,
    pub(crate) state: String,
    pub(crate) requested_by: String,
    pub(crate) reason: String,
    pub(crate) total: Option<u64>,
    pub(crate) done: Counts,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) error: Option<String>,
    pub(crate) cursor: Uuid,
}

struct Row {
    id: Uuid,
    tenant: Option<String>,
    requested_by: String,
    reason: String,
    provider: Option<String>,
    connection: Option<String>,
    outcomes: Vec<String>,
    since: OffsetDateTime,
    until: OffsetDateTime,
    trace_id: Option<String>,
    state: String,
    total: Option<i64>,
    cursor: Uuid,
    deliveries: i64,
    same: i64,
    different: i64,
    fresh: i64,
    skipped: i64,
    error: Option<String>,
    started_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl From<Row> for Replay {
    fn from(row: Row) -> Self {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Self {
            id: row.id,
            wanted: Wanted {
                tenant: row.tenant,
                since: row.since,
                until: row.until,
                filter: DeliveryFilter {
                    provider: row.provider,
                    connection: row.connection,
                    outcomes: row.outcomes,
                    since: Some(row.since),
                    until: Some(row.until),
                    trace_id: row.trace_id,
                },
            },
            state: row.state,
            requested_by: row.requested_by,
            reason: row.reason,
            total: row.total.map(count),
            done: Counts {
                deliveries: count(row.deliveries),
                same: count(row.same),
                different: count(row.different),
                fresh: count(row.fresh),
                skipped: count(row.skipped),
            },
            started_at: row.started_at,
            ended_at: row.ended_at,
            error: row.error,
            cursor: row.cursor,
        }
    }
}

/// Why a replay was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("too many replays run")]
    TooMany,
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
}

/// What is asked for.
pub(crate) struct New<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) requested_by: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) key: &'a str,
}

/// Starts a replay, or finds the one that was started with the same key.
pub(crate) async fn start(connection: &mut PgConnection, new: New<'_>) -> Result<Replay, StartError> {
    let (wanted, filter) = (new.wanted, &new.wanted.filter);
    if let Some(known) = by_key(connection, wanted.tenant.as_deref(), new.key).await? {
        return Ok(known);
    }
    let running = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM replays WHERE state = 'running' AND tenant IS NOT DISTINCT FROM $1"#,
        wanted.tenant
    )
    .fetch_one(&mut *connection)
    .await?;
    if running >= MOST_RUNNING {
        return Err(StartError::TooMany);
    }
    sqlx::query!(
        "INSERT INTO replays (id, tenant, idempotency_key, requested_by, reason, provider, connection, outcomes, since,
                              until, trace_id, cursor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (coalesce(tenant, ''), idempotency_key) DO NOTHING",
        Uuid::now_v7(),
        wanted.tenant,
        new.key,
        new.requested_by,
        new.reason,
        filter.provider,
        filter.connection,
        &filter.outcomes,
        wanted.since,
        wanted.until,
        filter.trace_id,
        wanted.start()
    )
    .execute(&mut *connection)
    .await?;
    let started = by_key(connection, wanted.tenant.as_deref(), new.key).await?;
    started.ok_or(StartError::Database(sqlx::Error::RowNotFound))
}

async fn by_key(
    connection: &mut PgConnection,
    tenant: Option<&str>,
    key: &str,
) -> Result<Option<Replay>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, tenant, requested_by, reason, provider, connection, outcomes, since, until, trace_id, state, total,
                cursor, deliveries, same, different, fresh, skipped, error, started_at, ended_at
         FROM replays WHERE coalesce(tenant, '') = coalesce($1, '') AND idempotency_key = $2",
        tenant,
        key
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Replay::from))
}

/// One replay of the scope.
pub(crate) async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Replay>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, tenant, requested_by, reason, provider, connection, outcomes, since, until, trace_id, state, total,
                cursor, deliveries, same, different, fresh, skipped, error, started_at, ended_at
         FROM replays WHERE id = $1",
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Replay::from))
}

/// At most `most` replays of the scope below `below`, newest first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    below: Option<Uuid>,
    most: i64,
) -> Result<Vec<Replay>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, tenant, requested_by, reason, provider, connection, outcomes, since, until, trace_id, state, total,
                cursor, deliveries, same, different, fresh, skipped, error, started_at, ended_at
         FROM replays
         WHERE ($1::uuid IS NULL OR id < $1) AND started_at > now() - $2::double precision * interval '1 second'
         ORDER BY id DESC LIMIT $3",
        below,
        REMEMBERED.as_seconds_f64(),
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Replay::from).collect())
}

/// Stops a replay of the scope; one that has ended stays as it ended.
pub(crate) async fn cancel(connection: &mut PgConnection, id: Uuid) -> Result<Option<Replay>, sqlx::Error> {
    sqlx::query!(
        "UPDATE replays SET state = 'cancelled', ended_at = now() WHERE id = $1 AND state = 'running'",
        id
    )
    .execute(&mut *connection)
    .await?;
    find(connection, id).await
}

/// A replica that works on replays, and after how much silence it is taken for dead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) id: Uuid,
    pub(crate) lease: Duration,
}

/// Takes a replay that nobody works on, or that this replica had before; none of `others`.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    owner: Owner,
    others: &[Uuid],
) -> Result<Option<Replay>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE replays SET owner = $1, lease_until = now() + $2::double precision * interval '1 second'
         WHERE id = (SELECT id FROM replays WHERE state = 'running' AND (lease_until < now() OR owner = $1)
                       AND id <> ALL ($3)
                     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, tenant, requested_by, reason, provider, connection, outcomes, since, until, trace_id, state,
                   total, cursor, deliveries, same, different, fresh, skipped, error, started_at, ended_at",
        owner.id,
        owner.lease.as_seconds_f64(),
        others
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Replay::from))
}

/// Notes how many deliveries match.
pub(crate) async fn set_total(
    connection: &mut PgConnection,
    id: Uuid,
    owner: Uuid,
    total: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE replays SET total = $3 WHERE id = $1 AND owner = $2",
        id,
        owner,
        i64::try_from(total).unwrap_or(i64::MAX)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves a replay on by one part, and renews the lease; `false` when it was cancelled or is another replica's now.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    id: Uuid,
    owner: Owner,
    cursor: Uuid,
    part: Counts,
    ended: bool,
) -> Result<bool, sqlx::Error> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let moved = sqlx::query!(
        "UPDATE replays SET cursor = $3, deliveries = deliveries + $4, same = same + $5, different = different + $6,
                            fresh = fresh + $7, skipped = skipped + $8,
                            state = CASE WHEN $9 THEN 'done' ELSE state END,
                            ended_at = CASE WHEN $9 THEN now() END,
                            lease_until = now() + $10::double precision * interval '1 second'
         WHERE id = $1 AND owner = $2 AND state = 'running'",
        id,
        owner.id,
        cursor,
        count(part.deliveries),
        count(part.same),
        count(part.different),
        count(part.fresh),
        count(part.skipped),
        ended,
        owner.lease.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() > 0)
}

/// Ends a replay that cannot go on. `error` is shown to people.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    id: Uuid,
    owner: Uuid,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE replays SET state = 'failed', error = $3, ended_at = now()
         WHERE id = $1 AND owner = $2 AND state = 'running'",
        id,
        owner,
        error
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a replay back, so that another replica takes it without waiting for the lease.
pub(crate) async fn release(connection: &mut PgConnection, owner: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE replays SET lease_until = now(), owner = NULL WHERE owner = $1 AND state = 'running'",
        owner
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives up replays that take too long, and forgets old ones.
pub(crate) async fn tidy(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE replays SET state = 'failed', error = 'not finished within a day', ended_at = now()
         WHERE state = 'running' AND started_at < now() - $1::double precision * interval '1 second'",
        LONGEST.as_seconds_f64()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM replays
         WHERE state <> 'running' AND started_at < now() - $1::double precision * interval '1 second'",
        REMEMBERED.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}
