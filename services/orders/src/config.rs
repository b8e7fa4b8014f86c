//! The typed configuration; `config.default.toml` says what each key means.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};

use puente_blob::StorageSettings;
use puente_outbox::KeepDays;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::{Region, Secret};
use serde::{Deserialize, Deserializer};

/// Configuration of the orders service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    #[serde(deserialize_with = "region")]
    pub region: Region,
    pub skills_dir: String,
    pub skills_check_ms: NonZeroU32,
    pub templates_dir: String,
    pub settle_ms: u32,
    pub workers: NonZeroUsize,
    pub message_days: NonZeroU16,
    pub keep_days: KeepDays,
    pub stream_replicas: NonZeroUsize,
    pub relay_lease_ms: u64,
    pub grpc_listen: SocketAddr,
    pub rpc_key: Secret,
    pub require_provider_documents: bool,
    pub directory_url: String,
    pub directory_ms: NonZeroU32,
    pub directory_fresh_minutes: NonZeroU32,
    pub storage: StorageSettings,
    pub database: DatabaseConfig,
    pub nats: NatsConfig,
}

puente_service::base_config!(Config);

fn region<'de, D: Deserializer<'de>>(from: D) -> Result<Region, D::Error> {
    match String::deserialize(from)?.as_str() {
        "ar" => Ok(Region::Ar),
        "cl" => Ok(Region::Cl),
        "co" => Ok(Region::Co),
        "mx" => Ok(Region::Mx),
        "pe" => Ok(Region::Pe),
        other => Err(serde::de::Error::custom(format!(
            "`{other}` is no known region; known: ar, cl, co, mx, pe"
        ))),
    }
}
