//! How each connection does.
//!
//! Everything is counted when it is asked for: what ended, by the index on the time of its end and within a day at
//! most; what waits, lane by lane; tokens in use, among those of the lanes' connections.

use std::collections::HashMap;

use puente_http::breaker::Standing;
use puente_proto::operations::{
    ConnectionHealth, FailureCount, ListConnectionHealthRequest, ListConnectionHealthResponse, QuotaUse,
};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::Status;

use crate::Operations;
use crate::failure::failed;

/// Seconds back, usually and at most.
const USUAL: u32 = 3_600;
const MOST: u32 = 86_400;
/// Connections in an answer.
const MOST_CONNECTIONS: i64 = 2_000;

/// A breaker of this replica.
#[derive(Debug, Clone)]
pub struct Breaker {
    /// The provider's slug.
    pub provider: String,
    /// The connection.
    pub connection: String,
    /// `closed`, `half_open` or `open`.
    pub state: &'static str,
    /// Since when; `None` when it never stood otherwise.
    pub since: Option<OffsetDateTime>,
}

impl Breaker {
    /// One as it stands at `now`.
    pub(crate) fn standing(breaker: Standing, now: OffsetDateTime) -> Self {
        Self {
            provider: breaker.provider,
            connection: breaker.connection.to_string(),
            state: breaker.state.as_str(),
            since: breaker.held_for.map(|held| now - held),
        }
    }
}

struct Lane {
    connection: String,
    tenant: String,
    provider: String,
    paused_until: Option<OffsetDateTime>,
    done: i64,
    failed: i64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    waiting: i64,
    oldest_waiting: Option<OffsetDateTime>,
    unknown: i64,
}

impl Operations {
    pub(crate) async fn health(
        &self,
        caller: Caller,
        question: ListConnectionHealthRequest,
    ) -> Result<ListConnectionHealthResponse, Status> {
        let seconds = match question.window_seconds {
            0 => USUAL,
            seconds => seconds.min(MOST),
        };
        let window = f64::from(seconds);
        let tenant = caller.scope.tenant().map(TenantId::as_str);
        let mut tx = self.begin(&caller).await?;
        let lanes = lanes(&mut tx, tenant, window).await.map_err(failed)?;
        let mut failures = failures(&mut tx, tenant, window).await.map_err(failed)?;
        let connections: Vec<String> = lanes.iter().map(|lane| lane.connection.clone()).collect();
        let mut quotas = quotas(&mut tx, &connections).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let breakers = self.standing();
        let connections = lanes
            .into_iter()
            .map(|lane| {
                let breaker = breakers.get(&(lane.provider.clone(), lane.connection.clone()));
                let since = breaker.and_then(|breaker| breaker.since);
                ConnectionHealth {
                    breaker: breaker
                        .map(|breaker| breaker.state.to_owned())
                        .unwrap_or_default(),
                    breaker_since: since.map(timestamp),
                    done: lane.done.unsigned_abs(),
                    failed: lane.failed.unsigned_abs(),
                    waiting: lane.waiting.unsigned_abs(),
                    oldest_waiting: lane.oldest_waiting.map(timestamp),
                    unknown: lane.unknown.unsigned_abs(),
                    p50_ms: lane.p50_ms,
                    p95_ms: lane.p95_ms,
                    quota: quotas.remove(&lane.connection),
                    failures: failures
                        .remove(&(lane.connection.clone(), lane.tenant.clone()))
                        .unwrap_or_default(),
                    paused_until: lane.paused_until.map(timestamp),
                    tenant: lane.tenant,
                    provider: lane.provider,
                    connection: lane.connection,
                }
            })
            .collect();
        Ok(ListConnectionHealthResponse { connections })
    }

    fn standing(&self) -> HashMap<(String, String), Breaker> {
        (self.breakers)()
            .into_iter()
            .map(|breaker| ((breaker.provider.clone(), breaker.connection.clone()), breaker))
            .collect()
    }
}

/// Every lane with what ended in the window and what is under way.
async fn lanes(
    connection: &mut PgConnection,
    tenant: Option<&str>,
    window: f64,
) -> Result<Vec<Lane>, sqlx::Error> {
    sqlx::query_as!(
        Lane,
        r#"WITH ended AS (
               SELECT connection, tenant,
                      count(*) FILTER (WHERE outcome = 'done') AS done,
                      count(*) FILTER (WHERE outcome = 'failed') AS failed,
                      percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
                          ORDER BY greatest(extract(epoch FROM settled_at - called_at)::double precision * 1000, 0))
                          FILTER (WHERE settled_by = 'call') AS took
               FROM effects_history
               WHERE settled_at > now() - $2::double precision * interval '1 second'
                 AND ($1::text IS NULL OR tenant = $1)
               GROUP BY connection, tenant),
           live AS (
               SELECT connection, tenant,
                      count(*) FILTER (WHERE state = 'due') AS waiting,
                      min(created_at) FILTER (WHERE state = 'due') AS oldest_waiting,
                      count(*) FILTER (WHERE state = 'unknown') AS unknown
               FROM effects WHERE $1::text IS NULL OR tenant = $1
               GROUP BY connection, tenant)
           SELECT l.connection, l.tenant, l.provider,
                  CASE WHEN l.paused_until > now() THEN l.paused_until END AS paused_until,
                  coalesce(e.done, 0) AS "done!", coalesce(e.failed, 0) AS "failed!",
                  e.took[1] AS p50_ms, e.took[2] AS p95_ms,
                  coalesce(w.waiting, 0) AS "waiting!", w.oldest_waiting, coalesce(w.unknown, 0) AS "unknown!"
           FROM effect_lanes l
           LEFT JOIN ended e ON e.connection = l.connection AND e.tenant = l.tenant
           LEFT JOIN live w ON w.connection = l.connection AND w.tenant = l.tenant
           WHERE $1::text IS NULL OR l.tenant = $1
           ORDER BY l.provider, l.connection, l.tenant LIMIT $3"#,
        tenant,
        window,
        MOST_CONNECTIONS,
    )
    .fetch_all(connection)
    .await
}

/// Failures of the window by class, for each connection and tenant.
async fn failures(
    connection: &mut PgConnection,
    tenant: Option<&str>,
    window: f64,
) -> Result<HashMap<(String, String), Vec<FailureCount>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT connection, tenant, coalesce(error_class, '') AS "class!", count(*) AS "count!"
           FROM effects_history
           WHERE settled_at > now() - $2::double precision * interval '1 second'
             AND ($1::text IS NULL OR tenant = $1) AND outcome = 'failed'
           GROUP BY connection, tenant, error_class ORDER BY count(*) DESC, error_class"#,
        tenant,
        window,
    )
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::<_, Vec<FailureCount>>::new();
    for row in rows {
        found
            .entry((row.connection, row.tenant))
            .or_default()
            .push(FailureCount {
                class: row.class,
                count: row.count.unsigned_abs(),
            });
    }
    Ok(found)
}

/// The fullest quota of each of these connections. The table has no tenants: only the scope's own connections are asked for.
async fn quotas(
    connection: &mut PgConnection,
    connections: &[String],
) -> Result<HashMap<String, QuotaUse>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (split_part(scope, ':', 1))
                  split_part(scope, ':', 1) AS "connection!", count(*) AS "tokens!",
                  count(*) FILTER (WHERE free_at > clock_timestamp()) AS "used!", max(window_ms) AS "window_ms!"
           FROM quota_tokens WHERE split_part(scope, ':', 1) = ANY ($1)
           GROUP BY scope
           ORDER BY split_part(scope, ':', 1),
                    (count(*) FILTER (WHERE free_at > clock_timestamp()))::double precision / count(*) DESC, scope"#,
        connections,
    )
    .fetch_all(connection)
    .await?;
    let quota = |tokens: i64, used: i64, window_ms: i64| QuotaUse {
        used: u32::try_from(used).unwrap_or(u32::MAX),
        limit: u32::try_from(tokens).unwrap_or(u32::MAX),
        window_ms: window_ms.unsigned_abs(),
    };
    Ok(rows
        .into_iter()
        .map(|row| (row.connection, quota(row.tokens, row.used, row.window_ms)))
        .collect())
}
