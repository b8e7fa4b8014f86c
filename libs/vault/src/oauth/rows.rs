//! The rows of `oauth_tokens`: read, locked, and replaced only by who knows their version.

use puente_ports::Connection;
use puente_types::{ConnectionId, TenantId};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use super::{Grant, GrantState, GrantStatus, Tokens};

/// Longer than one renewal may take, so that a waiter gets to see the winner's tokens; shorter than a caller's patience.
const LOCK_TIMEOUT: &str = "20s";

/// One connection's grant, its tokens still sealed.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) sealed: Option<Value>,
    pub(super) expires_at: Option<OffsetDateTime>,
    pub(super) scope: String,
    pub(super) account_id: Option<String>,
    pub(super) base_uri: Option<String>,
    pub(super) refreshed_at: Option<OffsetDateTime>,
    pub(super) rejected_at: Option<OffsetDateTime>,
    pub(super) state: String,
    pub(super) problem: Option<String>,
    pub(super) version: i64,
}

impl Row {
    pub(super) fn grant(&self) -> GrantState {
        GrantState::parse(&self.state)
    }
}

/// How many grants a list has at most.
const MOST_LISTED: i64 = 1000;

/// The grants of every tenant, those that need a person first.
pub(super) async fn list(pool: impl PgExecutor<'_>) -> Result<Vec<Grant>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT tenant, connection, expires_at, scope, account_id, refreshed_at, state, problem
         FROM oauth_tokens ORDER BY state = 'active', tenant, connection LIMIT $1",
        MOST_LISTED,
    )
    .fetch_all(pool)
    .await?;
    let listed = rows.into_iter().map(|row| Grant {
        tenant: row.tenant,
        connection: row.connection,
        status: GrantStatus {
            state: GrantState::parse(&row.state),
            expires_at: row.expires_at,
            refreshed_at: row.refreshed_at,
            scope: row.scope,
            account_id: row.account_id,
            problem: row.problem,
        },
    });
    Ok(listed.collect())
}

pub(super) async fn read(
    pool: impl PgExecutor<'_>,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT sealed, expires_at, scope, account_id, base_uri, refreshed_at, rejected_at, state, problem, version
         FROM oauth_tokens WHERE tenant = $1 AND connection = $2",
        tenant.as_str(),
        connection.as_str(),
    )
    .fetch_optional(pool)
    .await
}

/// The row, locked until the transaction ends; made if there was none.
pub(super) async fn lock(tx: &mut PgConnection, connection: &Connection) -> Result<Row, sqlx::Error> {
    sqlx::query!("SELECT set_config('lock_timeout', $1, true) AS set", LOCK_TIMEOUT)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query!(
        "INSERT INTO oauth_tokens (tenant, connection) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        connection.tenant.as_str(),
        connection.id.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query_as!(
        Row,
        "SELECT sealed, expires_at, scope, account_id, base_uri, refreshed_at, rejected_at, state, problem, version
         FROM oauth_tokens WHERE tenant = $1 AND connection = $2 FOR UPDATE",
        connection.tenant.as_str(),
        connection.id.as_str(),
    )
    .fetch_one(tx)
    .await
}

/// What replaces a row's tokens.
pub(super) struct Renewed<'a> {
    pub(super) connection: &'a Connection,
    pub(super) tokens: &'a Tokens,
    pub(super) sealed: &'a Value,
    pub(super) refreshed_at: OffsetDateTime,
    pub(super) rejected_at: Option<OffsetDateTime>,
}

/// Replaces the tokens of the version that the caller read; says whether that was still the one there.
pub(super) async fn replace(
    pool: impl PgExecutor<'_>,
    renewed: &Renewed<'_>,
    version: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE oauth_tokens
         SET sealed = $3, expires_at = $4, scope = $5, account_id = $6, base_uri = $7, refreshed_at = $8,
             rejected_at = $9, state = 'active', problem = NULL, version = version + 1
         WHERE tenant = $1 AND connection = $2 AND version = $10",
        renewed.connection.tenant.as_str(),
        renewed.connection.id.as_str(),
        renewed.sealed,
        renewed.tokens.expires_at,
        renewed.tokens.scope,
        renewed.tokens.account_id,
        renewed.tokens.base_uri,
        renewed.refreshed_at,
        renewed.rejected_at,
        version,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps tokens that a person's authorisation brought, whatever was there.
pub(super) async fn put(pool: impl PgExecutor<'_>, renewed: &Renewed<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO oauth_tokens
             (tenant, connection, sealed, expires_at, scope, account_id, base_uri, refreshed_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
         ON CONFLICT (tenant, connection) DO UPDATE SET
             sealed = excluded.sealed, expires_at = excluded.expires_at, scope = excluded.scope,
             account_id = excluded.account_id, base_uri = excluded.base_uri, refreshed_at = excluded.refreshed_at,
             rejected_at = NULL, state = 'active', problem = NULL, version = oauth_tokens.version + 1",
        renewed.connection.tenant.as_str(),
        renewed.connection.id.as_str(),
        renewed.sealed,
        renewed.tokens.expires_at,
        renewed.tokens.scope,
        renewed.tokens.account_id,
        renewed.tokens.base_uri,
        renewed.refreshed_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Sets where the grant stands. Without a grant, tokens are of no use and are forgotten; says whether the row was there.
pub(super) async fn turn(
    pool: impl PgExecutor<'_>,
    tenant: &TenantId,
    connection: &ConnectionId,
    state: GrantState,
    problem: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE oauth_tokens
         SET state = $3, problem = $4, sealed = NULL, expires_at = NULL, rejected_at = NULL, version = version + 1
         WHERE tenant = $1 AND connection = $2",
        tenant.as_str(),
        connection.as_str(),
        state.as_str(),
        problem,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}
