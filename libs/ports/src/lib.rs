//! What services need of the outside, in words of our own. No provider's name appears here.
//!
//! An adapter implements [`Provider`] and the capability traits it has; services see only these.

mod call;
mod connection;
mod error;
mod manifest;
mod message;
mod provider;
mod rate;
mod webhook;

pub use call::{CallCtx, Outbound, OutboundRequest, OutboundResponse, Recovery};
pub use connection::Connection;
pub use error::{Decision, ErrorClass, ErrorTag, ProviderError, ProviderErrorKind};
pub use manifest::{ErrorRule, Manifest, ManifestError, Quota, SecretSpec, SettingSpec};
pub use message::{Content, MessageChannel, OutboundMessage, Sent, TemplateInfo};
pub use provider::Provider;
pub use rate::{LONGEST_WAIT, RateHint, retry_after};
pub use webhook::{HandshakeReply, InboundEvent, InboundPayload, InboundWebhook};
