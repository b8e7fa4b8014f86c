//! Claiming: which due effects may be called now.

use std::time::Duration;

use puente_types::{ConnectionId, EffectId, TenantId};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::quota::{self, Limit};
use crate::{Effect, Priority};

/// A connection with work, and when its work is due.
pub(crate) struct Lane {
    pub(crate) connection: String,
    pub(crate) provider: String,
    /// How long until its first effect is due; zero when it is.
    pub(crate) due_in: Duration,
}

/// The connections that have work, those first whose work waits longest.
pub(crate) async fn lanes(database: impl PgExecutor<'_>) -> Result<Vec<Lane>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.connection, l.provider,
                  greatest(extract(epoch FROM greatest(min(e.not_before), max(l.paused_until)) - clock_timestamp()), 0)::double precision AS "due_in!"
           FROM effect_lanes l
           CROSS JOIN LATERAL (
               SELECT not_before FROM effects
               WHERE connection = l.connection AND tenant = l.tenant AND state = 'due'
               ORDER BY not_before LIMIT 1) e
           GROUP BY l.connection, l.provider
           ORDER BY min(e.not_before)"#
    )
    .fetch_all(database)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lane {
            connection: row.connection,
            provider: row.provider,
            due_in: Duration::try_from_secs_f64(row.due_in.min(3_600.0)).unwrap_or_default(),
        })
        .collect())
}

/// How many effects of each provider that has lanes are due and not done.
pub(crate) async fn waiting(pool: &PgPool) -> Result<Vec<(String, u64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.provider, count(e.id) AS "waiting!"
           FROM effect_lanes l
           LEFT JOIN effects e ON e.connection = l.connection AND e.tenant = l.tenant AND e.state = 'due'
           GROUP BY l.provider"#
    )
    .fetch_all(pool)
    .await?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| (row.provider, count(row.waiting)))
        .collect())
}

/// What a claim found.
pub(crate) enum Claim {
    /// Journalled as `calling`: call them now.
    Calls(Vec<Effect>),
    /// The quota is used up for this long.
    Wait(Duration),
    /// Another replica was faster.
    Nothing,
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) key: String,
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) operation: String,
    pub(crate) subject_id: String,
    pub(crate) payload: Value,
    pub(crate) attempts: i32,
    pub(crate) limited: i32,
    pub(crate) failed: i32,
    pub(crate) traceparent: Option<String>,
}

impl Row {
    pub(crate) fn effect(self) -> Result<Effect, sqlx::Error> {
        let bad = |what: &str| sqlx::Error::Decode(format!("effect {}: bad {what}", self.id).into());
        Ok(Effect {
            tenant: self.tenant.parse::<TenantId>().map_err(|_| bad("tenant"))?,
            connection: self
                .connection
                .parse::<ConnectionId>()
                .map_err(|_| bad("connection"))?,
            id: EffectId::from(self.id),
            key: self.key,
            provider: self.provider,
            operation: self.operation,
            subject_id: self.subject_id,
            payload: self.payload,
            attempts: self.attempts,
            limited: self.limited,
            failed: self.failed,
            traceparent: self.traceparent,
        })
    }
}

/// Claims up to `wanted` due effects of a connection within its quotas and journals them, in one transaction.
pub(crate) async fn claim(
    pool: &PgPool,
    connection: &str,
    limits: &[Limit],
    wanted: usize,
    owner: Uuid,
    longest_call: Duration,
    lease: Duration,
) -> Result<Claim, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let due = due(&mut tx, connection, wanted).await?;
    if due.is_empty() {
        return Ok(Claim::Nothing);
    }
    let mut granted = due.len();
    let mut taken = Vec::with_capacity(limits.len());
    for limit in limits {
        let tokens = quota::take(&mut tx, limit, granted, longest_call).await?;
        if tokens.is_empty() {
            // Rolled back: tokens of other quotas taken above stay free.
            tx.rollback().await?;
            let mut connection = pool.acquire().await?;
            let wait = quota::next_free(&mut connection, limit).await?;
            return Ok(Claim::Wait(wait.unwrap_or(Duration::from_millis(5))));
        }
        granted = granted.min(tokens.len());
        taken.push(tokens);
    }
    let ids: Vec<Uuid> = due.into_iter().take(granted).collect();
    let holders: Vec<EffectId> = ids.iter().copied().map(EffectId::from).collect();
    for (limit, tokens) in limits.iter().zip(&taken) {
        quota::assign(&mut tx, limit, tokens, &holders).await?;
    }
    let rows = journal(&mut tx, &ids, owner, lease).await?;
    tx.commit().await?;
    Ok(Claim::Calls(rows))
}

/// The effects of a connection that are to be called next, locked. Each priority is looked at by itself, so that what is
/// not due yet, however much that is, is not read.
async fn due(database: &mut PgConnection, connection: &str, wanted: usize) -> Result<Vec<Uuid>, sqlx::Error> {
    let priorities = Priority::ALL.map(|priority| priority as i16).to_vec();
    sqlx::query_scalar!(
        "SELECT next.id FROM unnest($3::smallint[]) AS p (priority)
         CROSS JOIN LATERAL (
             SELECT id, not_before FROM effects
             WHERE connection = $1 AND priority = p.priority AND state = 'due'
               AND not_before <= statement_timestamp()
             ORDER BY not_before, id LIMIT $2 FOR UPDATE SKIP LOCKED) AS next
         ORDER BY p.priority, next.not_before, next.id LIMIT $2",
        connection,
        i64::try_from(wanted).unwrap_or(i64::MAX),
        &priorities,
    )
    .fetch_all(database)
    .await
}

async fn journal(
    connection: &mut PgConnection,
    ids: &[Uuid],
    owner: Uuid,
    lease: Duration,
) -> Result<Vec<Effect>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "UPDATE effects
         SET state = 'calling', attempts = attempts + 1, called_at = clock_timestamp(), lease_owner = $2,
             lease_until = clock_timestamp() + $3::double precision * interval '1 second'
         WHERE id = ANY ($1)
         RETURNING id, tenant, key, provider, connection, operation, subject_id, payload, attempts, limited, failed,
                   traceparent",
        ids,
        owner,
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::effect).collect()
}

/// Takes over calls whose lease ran out: their caller is gone. The lease is renewed for whoever settles them, by as much
/// as a look-up at the provider may take.
pub(crate) async fn abandoned(
    pool: &PgPool,
    owner: Uuid,
    lease: impl Fn(&str) -> Duration,
) -> Result<Vec<Effect>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let left = sqlx::query!(
        "SELECT id, provider FROM effects WHERE state = 'calling' AND lease_until < statement_timestamp()
         ORDER BY lease_until LIMIT 32 FOR UPDATE SKIP LOCKED"
    )
    .fetch_all(&mut *tx)
    .await?;
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = left.iter().map(|row| row.id).collect();
    let leases: Vec<f64> = left
        .iter()
        .map(|row| lease(&row.provider).as_secs_f64())
        .collect();
    let rows = sqlx::query_as!(
        Row,
        "UPDATE effects AS e
         SET lease_owner = $1, lease_until = clock_timestamp() + l.seconds * interval '1 second'
         FROM unnest($2::uuid[], $3::double precision[]) AS l (id, seconds)
         WHERE e.id = l.id
         RETURNING e.id, tenant, key, provider, connection, operation, subject_id, payload, attempts, limited, failed,
                   traceparent",
        owner,
        &ids,
        &leases,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    rows.into_iter().map(Row::effect).collect()
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
