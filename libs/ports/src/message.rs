//! Messages that go out.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{CallCtx, ProviderError, ProviderErrorKind, Recovery};

/// A message to one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundMessage {
    /// The contact's id at the provider; for WhatsApp the `wa_id`, else the digits of the phone.
    pub to: String,
    /// What is said.
    pub content: Content,
    /// Our reference; carried back in receipts where the provider can.
    pub reference: String,
}

/// What is said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Content {
    /// Free text; inside the provider's session window only.
    Text {
        /// The text.
        body: String,
    },
    /// A template that the provider approved.
    Template {
        /// Its name at the provider.
        name: String,
        /// Its language code at the provider.
        language: String,
        /// The body's parameters in order.
        parameters: Vec<String>,
    },
}

impl std::fmt::Debug for OutboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundMessage")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// The provider took the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The contact's id as the provider corrected it, if it did.
    pub contact_id: Option<String>,
}

/// A template as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateInfo {
    /// Its name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// Whether it may be used now.
    pub approved: bool,
    /// The provider's word for its state.
    pub status: String,
    /// The provider's category: UTILITY, MARKETING, AUTHENTICATION.
    pub category: String,
    /// How many parameters its body takes.
    pub parameters: usize,
}

/// The code of a `Rejected` of [`MessageChannel::media`]: the provider no longer has the file.
pub const MEDIA_GONE: &str = "media_gone";
/// The code of a `Rejected` of [`MessageChannel::media`]: the file has more bytes than are wanted.
pub const MEDIA_TOO_LARGE: &str = "media_too_large";

/// A file that came with a message, as the provider named it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MediaFile {
    /// The provider's id of the file; empty where it has none.
    pub id: String,
    /// Where it may be fetched; empty where the provider has to be asked for that.
    pub url: String,
}

// A link to somebody's file is not for logs.
impl std::fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaFile")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A provider that carries messages to people.
#[async_trait]
pub trait MessageChannel: Send + Sync {
    /// How sending recovers when its outcome is unknown.
    fn recovery(&self) -> Recovery;

    /// Sends one message.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn send(&self, ctx: CallCtx<'_>, message: &OutboundMessage) -> Result<Sent, ProviderError>;

    /// Looks a message up by our reference, for [`Recovery::Findable`] channels; others answer `Configuration`.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn find(&self, ctx: CallCtx<'_>, reference: &str) -> Result<Option<Sent>, ProviderError>;

    /// The templates of the connection's account. Read-only.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn templates(&self, ctx: CallCtx<'_>) -> Result<Vec<TemplateInfo>, ProviderError>;

    /// Fetches a file that came with a message, at most `max_bytes`. Read-only. Channels that carry no files answer
    /// `Configuration`, which is the default.
    ///
    /// # Errors
    /// A classified [`ProviderError`]; `Rejected` with [`MEDIA_GONE`] or [`MEDIA_TOO_LARGE`] when the provider no longer
    /// has it or it is too large.
    async fn media(
        &self,
        _ctx: CallCtx<'_>,
        _file: &MediaFile,
        _max_bytes: usize,
    ) -> Result<Bytes, ProviderError> {
        Err(ProviderError::new(
            ProviderErrorKind::Configuration,
            "no_media",
            "this channel carries no files",
        ))
    }
}
