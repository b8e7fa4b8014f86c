//! A provider as the registry sees it.

use crate::{InboundWebhook, Manifest, MessageChannel};

/// One provider: its manifest and the capabilities it has. Adapters are stateless statics.
pub trait Provider: Send + Sync {
    /// What `provider.toml` says.
    fn manifest(&self) -> &'static Manifest;

    /// Its webhooks, if it calls us.
    fn webhook(&self) -> Option<&dyn InboundWebhook> {
        None
    }

    /// Its messages, if it carries any.
    fn message(&self) -> Option<&dyn MessageChannel> {
        None
    }
}
