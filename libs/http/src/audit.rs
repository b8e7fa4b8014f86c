//! One record per outside call: a log event, metrics, and whatever sink the service adds.

use std::time::Duration;

use puente_ports::{ErrorClass, OutboundResponse, ProviderError};
use puente_telemetry::metric;
use puente_types::{ConnectionId, TenantId};
use time::OffsetDateTime;

use crate::redact::path_template;

/// What is known of one call, without any content: safe to log, store and show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it began.
    pub at: OffsetDateTime,
    /// The provider's slug.
    pub provider: String,
    /// The connection.
    pub connection: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The operation's name.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The host that was called; empty when the URL could not be read.
    pub host: String,
    /// The path with ids and tokens masked.
    pub path: String,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub duration: Duration,
    /// The class of the failure, a status of 400 or more included.
    pub error: Option<ErrorClass>,
    /// The failure's code: a short word of ours, or `http_<status>`.
    pub error_code: Option<String>,
    /// The size of our body.
    pub request_bytes: usize,
    /// The size of the answer's body.
    pub response_bytes: usize,
    /// The trace that the call belongs to.
    pub trace_id: Option<String>,
}

/// Takes records of calls, to store or to count them. Called on the caller's path: must not block.
pub trait AuditSink: Send + Sync {
    /// One call ended.
    fn record(&self, record: CallRecord);
}

/// Keeps nothing: the log event and the metrics are enough.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoSink;

impl AuditSink for NoSink {
    fn record(&self, _record: CallRecord) {}
}

impl CallRecord {
    /// Fills in where the call went.
    pub(crate) fn locate(&mut self, url: &reqwest::Url) {
        url.host_str().unwrap_or_default().clone_into(&mut self.host);
        self.path = path_template(url.path());
    }

    /// Fills in how the call ended.
    pub(crate) fn settle(&mut self, result: &Result<OutboundResponse, ProviderError>, duration: Duration) {
        self.duration = duration;
        match result {
            Ok(response) => {
                let status = response.status.as_u16();
                self.status = Some(status);
                self.response_bytes = response.body.len();
                self.error = class_of(status);
                self.error_code = self.error.map(|_| format!("http_{status}"));
            }
            Err(error) => {
                self.error = Some(error.class());
                self.error_code = Some(error.code().to_owned());
            }
        }
    }

    /// The outcome for metrics: a word of a bounded set.
    pub(crate) fn outcome(&self) -> &'static str {
        match (self.error, self.error_code.as_deref()) {
            (_, Some("breaker_open")) => "breaker_open",
            (Some(class), _) => class.as_str(),
            (None, _) => "ok",
        }
    }

    /// Writes the call's one log event and counts it.
    pub(crate) fn publish(&self) {
        metric::provider_call(&self.provider, self.operation, self.outcome(), self.duration);
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    provider = self.provider,
                    connection.id = %self.connection,
                    tenant.id = %self.tenant,
                    operation = self.operation,
                    http.method = self.method,
                    url.host = self.host,
                    url.path = self.path,
                    status = self.status,
                    duration_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
                    error.class = self.error.map(ErrorClass::as_str),
                    error.code = self.error_code.as_deref(),
                    request_bytes = self.request_bytes,
                    response_bytes = self.response_bytes,
                    outcome = self.outcome(),
                    "called {} of {}: {}",
                    self.operation,
                    self.provider,
                    self.outcome(),
                )
            };
        }
        if self.error.is_none() {
            event!(info);
        } else {
            event!(warn);
        }
    }
}

/// The class of a status; adapters may know better from the body, but the audit does not read bodies.
const fn class_of(status: u16) -> Option<ErrorClass> {
    match status {
        ..400 => None,
        401 | 403 => Some(ErrorClass::Auth),
        408 => Some(ErrorClass::Timeout),
        429 => Some(ErrorClass::RateLimited),
        400..500 => Some(ErrorClass::Client),
        500.. => Some(ErrorClass::Server),
    }
}
