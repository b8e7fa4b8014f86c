//! The typed configuration; `config.default.toml` says what each key means.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};

use puente_blob::StorageSettings;
use puente_outbox::KeepDays;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::Secret;
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;

/// Configuration of the signature service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub callback_url: String,
    pub templates_dir: String,
    pub city: String,
    pub language: String,
    pub poll_minutes: NonZeroU32,
    pub doubt_ms: NonZeroU32,
    pub work_tick_ms: NonZeroU32,
    pub work_lease_ms: NonZeroU32,
    pub work_longest_ms: NonZeroU32,
    pub renders: NonZeroUsize,
    pub fetches: NonZeroUsize,
    pub pending_report_hours: NonZeroU32,
    pub allow_simulators: bool,
    pub calls_per_connection: NonZeroUsize,
    pub keep_days: KeepDays,
    pub stream_replicas: NonZeroUsize,
    pub relay_lease_ms: u64,
    pub grpc_listen: SocketAddr,
    pub rpc_key: Secret,
    pub master_key: Secret,
    pub azure: IdentityConfig,
    #[serde(default)]
    pub storage: StorageSettings,
    pub database: DatabaseConfig,
    pub nats: NatsConfig,
}

puente_service::base_config!(Config);
