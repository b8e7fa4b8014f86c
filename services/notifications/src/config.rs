//! The typed configuration; `config.default.toml` says what each key means.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};

use puente_blob::StorageSettings;
use puente_outbox::KeepDays;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::{Secret, TenantId};
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;

use crate::application::price::Price;

/// Configuration of the notifications service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub language: String,
    #[serde(default)]
    pub languages: HashMap<TenantId, String>,
    pub texts_dir: String,
    pub stop_words: Vec<String>,
    pub start_words: Vec<String>,
    pub confirm_consent: bool,
    pub trust_unknown_templates: bool,
    pub template_refresh_minutes: NonZeroU32,
    pub patience_ms: u64,
    pub pending_receipt_hours: NonZeroU32,
    pub message_days: NonZeroU32,
    #[serde(default)]
    pub(crate) prices: Vec<Price>,
    pub allow_simulators: bool,
    pub calls_per_connection: NonZeroUsize,
    pub keep_days: KeepDays,
    pub stream_replicas: NonZeroUsize,
    pub relay_lease_ms: u64,
    pub grpc_listen: SocketAddr,
    pub rpc_key: Secret,
    pub master_key: Secret,
    #[serde(default)]
    pub storage: StorageSettings,
    pub azure: IdentityConfig,
    pub database: DatabaseConfig,
    pub nats: NatsConfig,
}

puente_service::base_config!(Config);
