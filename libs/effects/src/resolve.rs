//! Effects in doubt: how a person, or a receipt from the provider, settles them.

use puente_outbox::Tx;
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::{EffectId, TenantId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::claim::Row;
use crate::{Effect, settle};

/// An effect whose outcome nobody knows.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Its id.
    pub id: EffectId,
    /// Whose it is.
    pub tenant: String,
    /// The provider's slug.
    pub provider: String,
    /// The connection.
    pub connection: String,
    /// What was to be done.
    pub operation: String,
    /// The aggregate it belongs to.
    pub subject_id: String,
    /// Why its outcome is unknown.
    pub reason: Option<String>,
    /// When the call was made.
    pub called_at: Option<OffsetDateTime>,
}

/// What a person decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It did not happen: call again.
    Repeat,
    /// It did happen, somebody has seen it: count it as done.
    Confirm {
        /// How that is known.
        reason: String,
    },
    /// Leave it, with the reason given.
    Close {
        /// Why.
        reason: String,
    },
}

/// The parked effects, oldest first; at most `limit`.
///
/// # Errors
/// The database's own.
pub async fn parked(connection: &mut PgConnection, limit: i64) -> Result<Vec<Parked>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, tenant, provider, connection, operation, subject_id, error_note, called_at
         FROM effects WHERE state = 'unknown' ORDER BY called_at LIMIT $1",
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Parked {
            id: EffectId::from(row.id),
            tenant: row.tenant,
            provider: row.provider,
            connection: row.connection,
            operation: row.operation,
            subject_id: row.subject_id,
            reason: row.error_note,
            called_at: row.called_at,
        })
        .collect())
}

/// Carries out a person's decision on a parked effect. `false` when it is not parked (any more).
///
/// # Errors
/// The database's own.
pub async fn resolve(
    tx: &mut Tx,
    id: EffectId,
    resolution: &Resolution,
    by: &str,
) -> Result<bool, sqlx::Error> {
    match resolution {
        Resolution::Repeat => {
            let done = sqlx::query!(
                "UPDATE effects SET state = 'due', not_before = clock_timestamp(), error_note = NULL
                 WHERE id = $1 AND state = 'unknown'",
                id.uuid()
            )
            .execute(&mut **tx)
            .await?;
            Ok(done.rows_affected() > 0)
        }
        Resolution::Confirm { reason } => end(tx, id, "done", "confirmed_by_person", reason, by).await,
        Resolution::Close { reason } => end(tx, id, "closed", "closed_by_person", reason, by).await,
    }
}

/// Moves a parked effect to its history, with the reason in the place of the doubt.
async fn end(
    tx: &mut Tx,
    id: EffectId,
    outcome: &str,
    code: &'static str,
    reason: &str,
    by: &str,
) -> Result<bool, sqlx::Error> {
    let Some(effect) = lock_parked(tx, id, None).await? else {
        return Ok(false);
    };
    let note = ProviderError::new(ProviderErrorKind::OutcomeUnknown, code, reason);
    settle::end(tx, &effect, outcome, Some(&note), None, by).await
}

/// A receipt proves that an effect happened, although its call's answer is not known (yet). `false` when no effect of
/// that key is being called or in doubt.
///
/// # Errors
/// The database's own.
pub async fn settle_by_key(tx: &mut Tx, key: &str, result: Value) -> Result<bool, sqlx::Error> {
    let Some(effect) = lock_by_key(tx, key).await? else {
        return Ok(false);
    };
    settle::end(tx, &effect, "done", None, Some(&result), "receipt").await
}

/// Locks the effect of this key, if it is being called or in doubt, for whoever may settle it later in the transaction and
/// locks other rows first. A settled call locks its effect before the rows that it changes, and so must they.
///
/// # Errors
/// The database's own.
pub async fn hold_by_key(tx: &mut Tx, tenant: &TenantId, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT FROM effects WHERE key = $1 AND tenant = $2 AND state IN ('calling', 'unknown') FOR UPDATE",
        key,
        tenant.as_str()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn lock_by_key(tx: &mut Tx, key: &str) -> Result<Option<Effect>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, tenant, key, provider, connection, operation, subject_id, payload, attempts, limited, failed,
                traceparent
         FROM effects WHERE key = $1 AND state IN ('calling', 'unknown') FOR UPDATE",
        key,
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Row::effect).transpose()
}

/// The parked effect of this id, locked; of a tenant, only if it is that tenant's.
///
/// # Errors
/// The database's own.
pub async fn lock_parked(
    tx: &mut Tx,
    id: EffectId,
    of: Option<&TenantId>,
) -> Result<Option<Effect>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, tenant, key, provider, connection, operation, subject_id, payload, attempts, limited, failed,
                traceparent
         FROM effects WHERE id = $1 AND state = 'unknown' AND ($2::text IS NULL OR tenant = $2) FOR UPDATE",
        id.uuid(),
        of.map(TenantId::as_str),
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Row::effect).transpose()
}
