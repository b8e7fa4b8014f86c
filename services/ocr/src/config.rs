//! The typed configuration; `config.default.toml` says what each key means.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};

use puente_blob::StorageSettings;
use puente_outbox::KeepDays;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::Secret;
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;

/// Configuration of the ocr service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub models: String,
    pub notifications_url: String,
    pub engines: Vec<String>,
    pub threshold: f64,
    pub attempts: u32,
    pub patterns: Vec<String>,
    pub language: String,
    pub calls_per_day: u32,
    pub calls_per_month: u32,
    pub engine_ms: NonZeroU32,
    #[serde(default)]
    pub engines_ms: BTreeMap<String, NonZeroU32>,
    #[serde(default)]
    pub tenants: BTreeMap<String, TenantConfig>,
    pub readings: NonZeroUsize,
    pub threads: NonZeroUsize,
    pub waiting_max: NonZeroU32,
    pub callers_waiting: NonZeroUsize,
    pub fetch_ms: NonZeroU32,
    pub patience_ms: NonZeroU32,
    pub work_tick_ms: NonZeroU32,
    pub work_lease_ms: NonZeroU32,
    pub work_longest_ms: NonZeroU32,
    pub abandon_minutes: NonZeroU32,
    pub cache_days: NonZeroU16,
    pub allow_simulators: bool,
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

/// What a tenant has otherwise than the others.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct TenantConfig {
    pub engines: Option<Vec<String>>,
    pub threshold: Option<f64>,
    pub attempts: Option<u32>,
    pub patterns: Option<Vec<String>>,
    pub language: Option<String>,
    pub calls_per_day: Option<u32>,
    pub calls_per_month: Option<u32>,
}
