//! The only way out of the fleet to providers.
//!
//! [`Http`] implements [`puente_ports::Outbound`]: one pool of connections, a deadline for every call, bounded
//! answers, a breaker per provider and connection, a limiter for bursts of reads, and an audit of every call.
//! It makes exactly one attempt: when to repeat is computed by [`retry`], and decided by the caller, who alone
//! knows whether repeating is safe.
//!
//! What an error means is decided here and nowhere else: `Unavailable` says that the provider surely did not
//! act, `OutcomeUnknown` that it may have. In doubt it is the second.
//!
//! Must never: follow redirects, use a proxy from the environment, reach private networks unless configured to,
//! or let a credential, header, query or body into a log, span, metric or error text.

mod audit;
pub mod breaker;
mod client;
mod config;
mod fault;
mod hints;
mod net;
mod quota;
pub mod record;
mod redact;
pub mod retry;

pub use audit::{AuditSink, CallRecord};
pub use client::{Hooks, Http};
pub use config::{HttpConfig, HttpError};
pub use puente_ports::{RateHint, retry_after};
pub use redact::path_template;
