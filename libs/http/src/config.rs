//! What an installation may choose about outgoing calls.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::breaker::Thresholds;

/// Settings of the client. The defaults are those of production.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// How long name look-up, TCP and TLS may take together. Ending here means that nothing was sent.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept: shorter than the keep-alive of common servers, since a request
    /// written to a connection that the server is just closing ends in doubt.
    pub pool_idle_timeout: Duration,
    /// The longest deadline that a call is granted, whatever it asks for.
    pub longest_deadline: Duration,
    /// The largest answer that is read, after decompression.
    pub max_response_bytes: usize,
    /// Whether `http://` may be used beyond this machine: for simulators in a private network.
    pub allow_plain_http: bool,
    /// Whether loopback, private and link-local addresses may be called: for simulators and embedded parts.
    /// A tenant's settings hold URLs, so in production this must stay off.
    pub allow_private: bool,
    /// When breakers open and close.
    pub breaker: Thresholds,
    /// Reads (GET, HEAD) allowed per connection and second.
    pub reads_per_second: NonZeroU32,
    /// Reads allowed at once after a pause.
    pub read_burst: NonZeroU32,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            pool_idle_timeout: Duration::from_secs(20),
            longest_deadline: Duration::from_mins(2),
            max_response_bytes: 4 * 1024 * 1024,
            allow_plain_http: false,
            allow_private: false,
            breaker: Thresholds::default(),
            reads_per_second: NonZeroU32::MIN.saturating_add(19),
            read_burst: NonZeroU32::MIN.saturating_add(39),
        }
    }
}

impl HttpConfig {
    /// For a service that calls providers, and simulators too where `simulators` says so.
    #[must_use]
    pub fn reaching(simulators: bool) -> Self {
        if simulators {
            Self::local()
        } else {
            Self::default()
        }
    }

    /// For simulators on this machine or a private network, and for tests: plain HTTP and private addresses.
    #[must_use]
    pub fn local() -> Self {
        Self {
            allow_plain_http: true,
            allow_private: true,
            ..Self::default()
        }
    }
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for providers cannot be made; are CA certificates installed on this machine?")]
pub struct HttpError(#[from] pub(crate) reqwest::Error);
