//! The typed configuration; `config.default.toml` says what each key means.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use puente_blob::StorageSettings;
use puente_service::DatabaseConfig;
use puente_types::Secret;
use serde::Deserialize;

/// Configuration of the gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub listen: SocketAddr,
    pub ingress_url: String,
    pub orders_url: String,
    pub notifications_url: String,
    pub signature_url: String,
    pub ocr_url: String,
    pub sync_url: String,
    pub rpc_key: Secret,
    pub call_ms: NonZeroU32,
    pub session_per_minute: NonZeroU32,
    pub strangers_per_minute: NonZeroU32,
    pub trusted_proxies: Vec<IpAddr>,
    pub audit_days: NonZeroU32,
    pub sweep_hours: NonZeroU32,
    pub sweep_tick_ms: NonZeroU32,
    pub simulated: bool,
    pub storage: StorageSettings,
    pub database: DatabaseConfig,
}
