//! Faults on request, between the network and a simulator's handlers.

use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sim::connection::Peer;
use crate::sim::{Hub, bare, find, reply};

/// The longest latency; a test that wants a dead provider cuts the connection.
const MAX_LATENCY: Duration = Duration::from_secs(120);

/// A fault that strikes calls of a vendor's paths.
#[derive(Debug, Clone, Deserialize)]
pub struct Fault {
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many calls it strikes; all of them when absent.
    #[serde(default)]
    pub count: Option<u32>,
    /// How likely it strikes a call, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
}

/// What happens to a call.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The call is answered late; other faults may follow.
    Latency {
        /// How late.
        ms: u64,
    },
    /// This answer, and no effect.
    Status {
        /// The HTTP status.
        status: u16,
        /// The JSON body; without one the answer is empty, as from a gateway in front of the vendor.
        #[serde(default)]
        body: Option<Value>,
    },
    /// The vendor's answer to too many calls, and no effect.
    RateLimit {
        /// The wait that the vendor asks for.
        #[serde(default)]
        retry_after_s: Option<u32>,
    },
    /// The connection closes before the effect.
    CutBefore,
    /// The effect is carried out, then the connection closes without an answer.
    CutAfter,
}

impl FaultKind {
    /// Strikes the next `count` calls.
    #[must_use]
    pub const fn times(self, count: u32) -> Fault {
        Fault {
            kind: self,
            count: Some(count),
            probability: 1.0,
        }
    }

    /// Strikes every call with a probability, until it is cleared.
    #[must_use]
    pub const fn with_probability(self, probability: f64) -> Fault {
        Fault {
            kind: self,
            count: None,
            probability,
        }
    }
}

const fn always() -> f64 {
    1.0
}

/// Lets the faults of the hub strike a call.
pub(super) async fn inject(
    State((hub, slug)): State<(Hub, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|ConnectInfo(peer)| peer.clone());
    let mut cut_after = false;
    for fault in hub.strike(slug) {
        match fault.kind {
            FaultKind::Latency { ms } => tokio::time::sleep(Duration::from_millis(ms).min(MAX_LATENCY)).await,
            FaultKind::Status {
                status,
                body: Some(body),
            } => return reply(status, &body),
            FaultKind::Status { status, body: None } => return bare(status),
            FaultKind::RateLimit { retry_after_s } => {
                return match find(slug) {
                    Some(simulator) => simulator.rate_limited(retry_after_s),
                    None => reply(429, &json!({})),
                };
            }
            FaultKind::CutBefore => return cut(peer.as_ref()),
            FaultKind::CutAfter => cut_after = true,
        }
    }
    let response = next.run(request).await;
    if cut_after { cut(peer.as_ref()) } else { response }
}

/// Closes the connection; the answer made here never leaves.
fn cut(peer: Option<&Peer>) -> Response {
    if let Some(peer) = peer {
        peer.cut();
    }
    reply(
        500,
        &json!({"simulator": "connections can only be cut when served by sim::serve"}),
    )
}
