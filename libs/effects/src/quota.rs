//! Quotas that hold in every rolling window, over all replicas.
//!
//! A quota of *N* calls in a window *W* is *N* tokens. A call takes one token of each of its connection's quotas, and
//! gives it back when it has ended, to be free again *W* later. Two calls with the same token therefore reach the
//! provider at least *W* apart, wherever in between they arrived; so no window of length *W*, wherever it begins, sees
//! more than *N*. The price is the time of the call itself: with windows of a minute it is far below one hundredth.
//!
//! A replica that dies holds tokens only for the calls it had under way. They come free one window after the call can
//! no longer be running, which is known from its deadline.

use std::time::Duration;

use puente_ports::{Connection, Manifest};
use puente_types::EffectId;
use sqlx::PgConnection;
use uuid::Uuid;

/// A quota of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Unique: connection and quota name.
    pub scope: String,
    /// Calls …
    pub calls: u32,
    /// … in any window of this length.
    pub window: Duration,
}

/// The quotas of a connection: those of its provider, each replaced by the setting `quota_<name> = "<calls>/<ms>"`
/// where the connection has one.
#[must_use]
pub fn limits(manifest: &Manifest, connection: &Connection) -> Vec<Limit> {
    let own = |name: &str| {
        let (calls, window) = connection.setting(&format!("quota_{name}"))?.split_once('/')?;
        Some((calls.trim().parse().ok()?, window.trim().parse().ok()?))
    };
    manifest
        .quotas
        .iter()
        .map(|quota| {
            let (calls, window_ms) = own(&quota.name).unwrap_or((quota.limit, quota.window_ms));
            let scope = format!("{}:{}", connection.id, quota.name);
            Limit {
                scope,
                calls: calls.max(1),
                window: Duration::from_millis(window_ms.max(1)),
            }
        })
        .collect()
}

/// Brings the tokens of a scope to its limit.
pub(crate) async fn ensure(connection: &mut PgConnection, limit: &Limit) -> Result<(), sqlx::Error> {
    let calls = i32::try_from(limit.calls).unwrap_or(i32::MAX);
    let window_ms = millis(limit.window);
    sqlx::query!(
        "INSERT INTO quota_tokens (scope, n, window_ms) SELECT $1, n, $3 FROM generate_series(0, $2 - 1) AS n
         ON CONFLICT (scope, n) DO UPDATE SET window_ms = excluded.window_ms
         WHERE quota_tokens.window_ms <> excluded.window_ms",
        limit.scope,
        calls,
        window_ms,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM quota_tokens WHERE scope = $1 AND n >= $2",
        limit.scope,
        calls
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Takes up to `wanted` free tokens of a scope, blocked until the calls they are for can no longer be running.
pub(crate) async fn take(
    connection: &mut PgConnection,
    limit: &Limit,
    wanted: usize,
    longest_call: Duration,
) -> Result<Vec<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE quota_tokens SET free_at = clock_timestamp() + ($3 + window_ms) * interval '1 millisecond'
         WHERE scope = $1 AND n IN (
             SELECT n FROM quota_tokens WHERE scope = $1 AND free_at <= clock_timestamp()
             ORDER BY free_at, n LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING n",
        limit.scope,
        i64::try_from(wanted).unwrap_or(i64::MAX),
        millis(longest_call),
    )
    .fetch_all(connection)
    .await
}

/// Names the effects that hold the tokens taken; tokens without an effect are given back unused.
pub(crate) async fn assign(
    connection: &mut PgConnection,
    limit: &Limit,
    tokens: &[i32],
    holders: &[EffectId],
) -> Result<(), sqlx::Error> {
    let holders: Vec<Option<Uuid>> = (0..tokens.len())
        .map(|at| holders.get(at).map(|holder| holder.uuid()))
        .collect();
    sqlx::query!(
        "UPDATE quota_tokens AS t
         SET holder = a.holder, free_at = CASE WHEN a.holder IS NULL THEN '-infinity' ELSE t.free_at END
         FROM unnest($2::int[], $3::uuid[]) AS a (n, holder) WHERE t.scope = $1 AND t.n = a.n",
        limit.scope,
        tokens,
        &holders as &[Option<Uuid>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The call has ended: its tokens are free again one window from now. Those of a later call of the same effect are not
/// its to give.
pub(crate) async fn give_back(
    connection: &mut PgConnection,
    holder: EffectId,
    attempts: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE quota_tokens SET holder = NULL, free_at = clock_timestamp() + window_ms * interval '1 millisecond'
         WHERE holder = $1 AND NOT EXISTS (SELECT FROM effects WHERE id = $1 AND attempts > $2)",
        holder.uuid(),
        attempts,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How long until the first token of a scope is free; `None` when one is.
pub(crate) async fn next_free(
    connection: &mut PgConnection,
    limit: &Limit,
) -> Result<Option<Duration>, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM min(free_at) - clock_timestamp())::double precision AS "seconds"
           FROM quota_tokens WHERE scope = $1 AND free_at > '-infinity'"#,
        limit.scope
    )
    .fetch_one(connection)
    .await?;
    Ok(seconds.filter(|s| *s > 0.0).map(Duration::from_secs_f64))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
