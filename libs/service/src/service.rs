//! The one trait behind every program, and how starting and running can fail.

use std::future::Future;
use std::net::SocketAddr;

use serde::de::DeserializeOwned;

use crate::config::ConfigError;
use crate::runtime::Runtime;

/// Any error, boxed: what a service hands over when it has no better variant.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service of the fleet: built first (binds and connects), then run until its runtime is told to stop.
///
/// The two steps are apart so that a test can build on port 0 and read the real address before it runs.
pub trait Service: Sized + Send {
    /// The name: its schema, its table in `puente.toml`, its prefix in the environment.
    const NAME: &'static str;
    /// The commented default configuration: `include_str!("../config.default.toml")`.
    const DEFAULTS: &'static str;
    /// The typed configuration. Use `#[serde(deny_unknown_fields)]`, so that a mistyped key is an error.
    type Config: DeserializeOwned + Send;

    /// Binds and connects. Tasks are spawned on `rt`; whatever was spawned is stopped when this fails.
    fn build(config: Self::Config, rt: Runtime) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// The address that other services ask at; `None` where they cannot, or for want of an rpc key.
    ///
    /// # Errors
    /// When the socket is gone.
    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        Ok(None)
    }

    /// Serves. Returns when `rt.shutdown` was cancelled and what was begun is finished.
    fn run(self) -> impl Future<Output = Result<(), RunError>> + Send;
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong; every mistake is listed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Telemetry could not be set up.
    #[error(transparent)]
    Telemetry(#[from] puente_telemetry::TelemetryError),
    /// The database refused, or is away.
    #[error("the database is not usable")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to the state this version needs.
    #[error("the database could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The broker cannot be used.
    #[error(transparent)]
    Broker(#[from] crate::nats::BrokerError),
    /// Other services cannot ask.
    #[error("other services cannot ask")]
    Door(#[from] puente_rpc::DoorError),
    /// An address could not be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address of the configuration.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: BoxError,
    },
}

impl StartError {
    /// `what` was being done and failed with `source`.
    pub fn other(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Other {
            what: what.into(),
            source: source.into(),
        }
    }
}

/// Why a running service ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A supervised task failed.
    #[error(transparent)]
    Task(#[from] crate::supervise::Failure),
    /// Work was still going on when the deadline of the shutdown passed.
    #[error(transparent)]
    StillRunning(#[from] crate::runtime::StillRunning),
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: BoxError,
    },
}

impl RunError {
    /// `what` was being done and failed with `source`.
    pub fn other(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Other {
            what: what.into(),
            source: source.into(),
        }
    }
}

/// The error with all its causes in one line, outermost first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
