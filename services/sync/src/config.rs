//! The typed configuration; `config.default.toml` says what each key means.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};

use puente_outbox::KeepDays;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::{ConnectionId, Secret, TenantId};
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;

/// Configuration of the sync service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub language: String,
    pub end_states: Vec<String>,
    pub orders_url: String,
    pub again_ms: NonZeroU32,
    #[serde(default)]
    pub tenants: BTreeMap<TenantId, TenantConfig>,
    pub allow_simulators: bool,
    pub calls_per_connection: NonZeroUsize,
    pub keep_days: KeepDays,
    pub stream_replicas: NonZeroUsize,
    pub relay_lease_ms: u64,
    pub grpc_listen: SocketAddr,
    pub rpc_key: Secret,
    pub master_key: Secret,
    pub azure: IdentityConfig,
    pub database: DatabaseConfig,
    pub nats: NatsConfig,
}

puente_service::base_config!(Config);

/// What a tenant has otherwise than the others.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct TenantConfig {
    pub connection: Option<ConnectionId>,
    pub language: Option<String>,
}
