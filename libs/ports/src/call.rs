//! A call to a provider: what it is given, and how it goes out.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{Connection, ProviderError};

/// How an operation recovers when nobody knows whether it happened. Every operation states it; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The provider honours our idempotency key: repeat.
    Repeatable,
    /// The provider can be asked by our reference: look up, then decide.
    Findable,
    /// Neither: park for a person, never repeat blindly.
    Unsure,
}

/// What an adapter gets with every call.
#[derive(Clone, Copy)]
pub struct CallCtx<'a> {
    /// The tenant's connection.
    pub connection: &'a Connection,
    /// The way out; the only one.
    pub http: &'a dyn Outbound,
    /// Stable over repeats of one effect. Send it where the provider takes one.
    pub idempotency_key: &'a str,
    /// The longest that the call may take.
    pub deadline: Duration,
    /// W3C trace context of the journey; may be carried in a provider's opaque reference.
    pub traceparent: Option<&'a str>,
}

/// One HTTP request to a provider.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// The operation's name, for audit and metrics: `messages.send`. Never holds data.
    pub operation: &'static str,
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The headers, credentials included; the audit never shows them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The provider's answer, whatever its status.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, bounded by the client.
    pub body: Bytes,
}

/// Sends requests to providers: pool, timeouts, breaker, audit. Implemented by `libs/http`.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Sends a request over a connection and returns the answer of any status.
    ///
    /// # Errors
    /// `Unavailable` when the request surely did not reach the provider, `OutcomeUnknown` when it may have.
    async fn send(
        &self,
        connection: &Connection,
        request: OutboundRequest,
        deadline: Duration,
    ) -> Result<OutboundResponse, ProviderError>;
}
