//! The typed configuration; `config.default.toml` says what each key means.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};

use puente_bus::StreamSettings;
use puente_service::{DatabaseConfig, NatsConfig};
use puente_types::Secret;
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;
use time::Duration;

/// Configuration of the ingress service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key")]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub read_timeout_ms: u64,
    pub commit_timeout_ms: u64,
    pub queue: NonZeroUsize,
    pub body_memory_kib: NonZeroU32,
    pub batch: NonZeroUsize,
    pub writers: NonZeroU16,
    pub rate_per_source: NonZeroU32,
    pub burst_per_source: NonZeroU32,
    pub trusted_proxies: Vec<IpAddr>,
    pub keep_refused_per_second: NonZeroU32,
    pub keep_days: NonZeroU16,
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

impl Config {
    /// How far back deliveries can be done again.
    pub(crate) fn reach(&self) -> Duration {
        reach(self.keep_days)
    }
}

/// What is kept here, but no further than consumers certainly remember what they have handled, or an event of then would be
/// handled twice. Days are dropped whole and later than that, those of every service by the same rule.
fn reach(keep_days: NonZeroU16) -> Duration {
    let days = keep_days.get().min(StreamSettings::MAX_AGE_DAYS);
    Duration::days(i64::from(days)) - Duration::HOUR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_reach_no_further_back_than_deliveries_are_kept_and_consumers_remember() {
        for (keep, days) in [(7, 7), (30, 30), (90, 30)] {
            let expected = Duration::days(days) - Duration::HOUR;
            assert_eq!(reach(NonZeroU16::new(keep).unwrap()), expected, "{keep}");
        }
    }
}
