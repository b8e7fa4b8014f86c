//! Pools of database connections, one per service and role.
//!
//! A connection sees only the service's own schema and acts as the service's own role, whoever logged in: a
//! developer's superuser is thereby held to the same grants and row policies as production's logins.

use std::str::FromStr;
use std::time::Duration;

use puente_types::Secret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::config::DatabaseConfig;

/// Who a connection acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Consumers, relay and effects: all tenants.
    Worker,
    /// Whatever answers a caller: row policies bind it to the tenant of the transaction.
    Api,
}

impl Role {
    /// The role's name for a service.
    #[must_use]
    pub fn of(self, service: &str) -> String {
        match self {
            Self::Worker => format!("{service}_worker"),
            Self::Api => format!("{service}_api"),
        }
    }
}

/// A transaction that waits longer for its client holds its locks for nothing.
const IDLE_IN_TRANSACTION_MS: &str = "60000";
/// Connections are renewed now and then, so that a failover or a new password takes hold.
const MAX_LIFETIME: Duration = Duration::from_secs(1800);

/// A pool that acts as `<service>_worker`. Connects when first used: a database that is away is no reason not
/// to start, only not to be ready.
///
/// # Errors
/// When the URL cannot be read.
pub fn pool(config: &DatabaseConfig, service: &str, replica: Uuid) -> Result<PgPool, sqlx::Error> {
    pool_as(config, service, Role::Worker, replica)
}

/// A pool that acts as `<service>_api`.
///
/// # Errors
/// When the URL cannot be read.
pub fn api_pool(config: &DatabaseConfig, service: &str, replica: Uuid) -> Result<PgPool, sqlx::Error> {
    pool_as(config, service, Role::Api, replica)
}

fn pool_as(config: &DatabaseConfig, service: &str, role: Role, replica: Uuid) -> Result<PgPool, sqlx::Error> {
    let url = match role {
        Role::Api => config.api_url.as_ref().unwrap_or(&config.url),
        Role::Worker => &config.url,
    };
    let plans = match role {
        // Lists are filtered by whichever fields a caller gives: a plan has to know which.
        Role::Api => "force_custom_plan",
        Role::Worker => "auto",
    };
    let options = connect_options(url, service, replica)?
        .options([("role", role.of(service))])
        .options([("plan_cache_mode", plans)])
        .options([("statement_timeout", config.statement_timeout_ms.to_string())])
        .options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS)]);
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .max_lifetime(MAX_LIFETIME)
        .connect_lazy_with(options))
}

/// Options of a connection to the service's schema, named after the replica so that an operator can tell them
/// apart. The role is that of the login.
///
/// # Errors
/// When the URL cannot be read. The error does not hold the URL.
pub fn connect_options(url: &Secret, service: &str, replica: Uuid) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(|_| sqlx::Error::Configuration("the database URL cannot be read".into()))?;
    let name = format!("puente-{service}-{}", replica.simple());
    Ok(options
        .application_name(&name)
        .options([("search_path", service)])
        .options([("timezone", "UTC")]))
}

/// A readiness check: the pool can answer.
///
/// # Errors
/// With the reason, without any address in it.
pub async fn ready(pool: &PgPool) -> Result<(), String> {
    match sqlx::query("SELECT 1").execute(pool).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::PoolTimedOut) => Err("no connection in time".to_owned()),
        Err(sqlx::Error::Database(error)) => Err(error.message().to_owned()),
        Err(_) => Err("not reachable".to_owned()),
    }
}
