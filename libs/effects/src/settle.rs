//! Settling: what became of a call, with the service's own state, in one transaction.

use std::time::Duration;

use puente_outbox::{ApplyError, Outbox, OutboxError, Tx};
use puente_ports::ProviderError;
use serde_json::Value;

use crate::{Effect, EffectExecutor, Outcome, quota};

/// What is written about a call.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It ended, or is parked.
    End(Outcome),
    /// Again later.
    Again {
        after: Duration,
        error: ProviderError,
        counts: Counts,
        pause_lane: bool,
    },
}

/// Which budget a call that is made again counts against: each class of failure has its own, since a rate limit says
/// nothing about how often an outage may be met, nor the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// None: the call was not made.
    Nothing,
    /// That of rate limits.
    Limited,
    /// That of outages and doubts.
    Failed,
}

/// Why a settlement did not go through; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("state: {0}")]
    State(#[from] ApplyError),
}

/// Writes the verdict. A settlement that comes after a newer attempt was begun, or after a receipt proved the
/// effect, changes nothing.
pub(crate) async fn settle<E: EffectExecutor>(
    outbox: &Outbox,
    executor: &E,
    effect: &Effect,
    verdict: &Verdict,
) -> Result<(), SettleError> {
    let mut tx = outbox.begin().await?;
    quota::give_back(&mut tx, effect.id, effect.attempts).await?;
    let ours = match verdict {
        Verdict::Again {
            after,
            error,
            counts,
            pause_lane,
        } => {
            if *pause_lane {
                pause(&mut tx, effect, *after).await?;
            }
            again(&mut tx, effect, *after, error, *counts).await?
        }
        Verdict::End(Outcome::Unknown { reason }) => park(&mut tx, effect, reason).await?,
        Verdict::End(Outcome::Done(result)) => {
            end(&mut tx, effect, "done", None, Some(result), "call").await?
        }
        Verdict::End(Outcome::Failed(error)) => {
            end(&mut tx, effect, "failed", Some(error), None, "call").await?
        }
    };
    if let Verdict::End(outcome) = verdict
        && ours
    {
        executor.settled(&mut tx, effect, outcome).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn pause(tx: &mut Tx, effect: &Effect, lasting: Duration) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE effect_lanes
         SET paused_until = greatest(paused_until, clock_timestamp() + $3::double precision * interval '1 second')
         WHERE connection = $1 AND tenant = $2",
        effect.connection.as_str(),
        effect.tenant.as_str(),
        lasting.as_secs_f64(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn again(
    tx: &mut Tx,
    effect: &Effect,
    after: Duration,
    error: &ProviderError,
    counts: Counts,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE effects
         SET state = 'due', limited = limited + $3, failed = failed + $4, lease_owner = NULL, lease_until = NULL,
             not_before = clock_timestamp() + $5::double precision * interval '1 second',
             error_class = $6, error_code = $7, error_note = $8
         WHERE id = $1 AND attempts = $2 AND state IN ('calling', 'unknown')",
        effect.id.uuid(),
        effect.attempts,
        i32::from(counts == Counts::Limited),
        i32::from(counts == Counts::Failed),
        after.as_secs_f64(),
        error.class().as_str(),
        error.code(),
        error.detail(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn park(tx: &mut Tx, effect: &Effect, reason: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE effects
         SET state = 'unknown', lease_owner = NULL, lease_until = NULL, error_class = 'timeout',
             error_code = 'outcome_unknown', error_note = $3
         WHERE id = $1 AND attempts = $2 AND state = 'calling'",
        effect.id.uuid(),
        effect.attempts,
        reason,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Moves an effect to its history. `false` when it is no longer there, or a newer attempt is under way.
pub(crate) async fn end(
    tx: &mut Tx,
    effect: &Effect,
    outcome: &str,
    error: Option<&ProviderError>,
    result: Option<&Value>,
    settled_by: &str,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        "WITH gone AS (DELETE FROM effects WHERE id = $1 AND attempts = $2 AND state IN ('calling', 'unknown') RETURNING *)
         INSERT INTO effects_history (id, tenant, key, provider, connection, operation, subject_id, outcome, attempts,
                                      error_class, error_code, error_note, result, settled_by, traceparent, created_at,
                                      called_at, priority)
         SELECT id, tenant, key, provider, connection, operation, subject_id, $3, attempts, $4, $5, $6, $7, $8,
                traceparent, created_at, called_at, priority FROM gone",
        effect.id.uuid(),
        effect.attempts,
        outcome,
        error.map(|e| e.class().as_str()),
        error.map(ProviderError::code),
        error.map(ProviderError::detail),
        result,
        settled_by,
    )
    .execute(&mut **tx)
    .await?;
    Ok(moved.rows_affected() > 0)
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
