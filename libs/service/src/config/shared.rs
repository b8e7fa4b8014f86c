//! The tables of the configuration that every service shares.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use puente_telemetry::{LogFormat, TelemetryConfig};
use puente_types::Secret;
use serde::{Deserialize, Deserializer};

/// Defaults of the shared tables, with their documentation.
pub(crate) const DEFAULTS: &str = include_str!("shared.default.toml");
/// The shared tables, by name.
pub(crate) const TABLES: [&str; 7] = [
    "azure",
    "database",
    "nats",
    "storage",
    "telemetry",
    "admin",
    "shutdown",
];
/// Of those, the ones that the service itself is given, if its configuration has a field for them.
/// `storage` has its defaults with the services that keep documents.
pub(crate) const FOR_SERVICES: [&str; 4] = ["azure", "database", "nats", "storage"];

/// Where the service's data is. URLs hold passwords and are secrets as a whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Login of `<service>_worker`, or of an administrator that may become it.
    pub url: Secret,
    /// Login of `<service>_api`; without one, `url` is used and becomes that role.
    #[serde(default, deserialize_with = "empty_secret_is_none")]
    pub api_url: Option<Secret>,
    /// Connections of one pool.
    #[serde(default = "max_connections")]
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    #[serde(default = "acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// No statement may run for longer.
    #[serde(default = "statement_timeout_ms")]
    pub statement_timeout_ms: u64,
}

fn max_connections() -> u32 {
    12
}
fn acquire_timeout_ms() -> u64 {
    3000
}
fn statement_timeout_ms() -> u64 {
    30_000
}

impl DatabaseConfig {
    /// The defaults, with this login for both roles; for tests and the fleet.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            api_url: None,
            max_connections: max_connections(),
            acquire_timeout_ms: acquire_timeout_ms(),
            statement_timeout_ms: statement_timeout_ms(),
        }
    }
}

/// Where the broker is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// One address, or several with commas between them.
    pub url: String,
    /// File with JWT and seed.
    #[serde(default, deserialize_with = "empty_path_is_none")]
    pub credentials_file: Option<PathBuf>,
}

impl NatsConfig {
    /// This address without credentials; for tests and the fleet.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credentials_file: None,
        }
    }
}

/// Where health and metrics answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
}

/// How patient the end is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    grace_ms: u64,
    deadline_ms: u64,
}

impl ShutdownConfig {
    /// How long to serve on after the signal, while `/readyz` already says no.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// How long begun work may take to finish.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }
}

/// The shared tables that services are not given: the process uses them itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessConfig {
    pub(crate) telemetry: TelemetryTable,
    pub(crate) admin: AdminConfig,
    pub(crate) shutdown: ShutdownConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryTable {
    log_format: LogFormat,
    log_filter: String,
    #[serde(default)]
    otlp_endpoint: Option<String>,
}

impl TelemetryTable {
    pub(crate) fn named(self, service: &str) -> TelemetryConfig {
        TelemetryConfig {
            service_name: format!("puente-{service}"),
            log_format: self.log_format,
            log_filter: self.log_filter,
            otlp_endpoint: self.otlp_endpoint.filter(|endpoint| !endpoint.is_empty()),
        }
    }
}

fn empty_secret_is_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let secret = Option::<Secret>::deserialize(from)?;
    Ok(secret.filter(|secret| !secret.expose().is_empty()))
}

fn empty_path_is_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(from)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}
