//! A provider as the registry sees it.

use crate::{
    ClientDirectory, InboundWebhook, Manifest, MessageChannel, OAuthProvider, OcrEngine, SignatureProvider,
    TaskManager,
};

/// Finds a provider by its slug.
pub type Registry = fn(&str) -> Option<&'static dyn Provider>;

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

    /// Its signatures, if it collects any.
    fn signature(&self) -> Option<&dyn SignatureProvider> {
        None
    }

    /// Its reading of pictures, if it reads any.
    fn ocr(&self) -> Option<&dyn OcrEngine> {
        None
    }

    /// Its tasks, if it keeps any.
    fn task(&self) -> Option<&dyn TaskManager> {
        None
    }

    /// Its clients, if it knows any.
    fn clients(&self) -> Option<&dyn ClientDirectory> {
        None
    }

    /// Its way of granting access, if it is called in the name of an account.
    fn oauth(&self) -> Option<&dyn OAuthProvider> {
        None
    }
}
