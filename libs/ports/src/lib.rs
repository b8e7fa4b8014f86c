//! What services need of the outside, in words of our own. No provider's name appears here.
//!
//! An adapter implements [`Provider`] and the capability traits it has; services see only these.

mod call;
mod client_directory;
mod connection;
mod error;
mod manifest;
mod message;
mod oauth;
mod ocr;
mod provider;
mod rate;
mod signature;
mod task;
mod webhook;

pub use call::{CallCtx, Outbound, OutboundRequest, OutboundResponse, Recovery};
pub use client_directory::{ClientDirectory, ClientStatus, DirectoryClient};
pub use connection::Connection;
pub use error::{Decision, ErrorClass, ErrorTag, ProviderError, ProviderErrorKind};
pub use manifest::{ErrorRule, Manifest, ManifestError, Quota, SecretSpec, SettingSpec};
pub use message::{
    Content, MEDIA_GONE, MEDIA_TOO_LARGE, MediaFile, MessageChannel, OutboundMessage, Sent, TemplateInfo,
};
pub use oauth::{Grant, GrantedAccount, OAuthProvider};
pub use ocr::{OcrEngine, OcrLimits, OcrPicture, OcrProgress, TextLine, TextRead};
pub use provider::{Provider, Registry};
pub use rate::{LONGEST_WAIT, RateHint, reset_in, retry_after};
pub use signature::{
    ACCESS_TOKEN, ACCOUNT_ID, BASE_URI, CreatedEnvelope, EnvelopeDocument, EnvelopePart, EnvelopeReport,
    EnvelopeSigner, NewEnvelope, SignatureProvider,
};
pub use task::{ASSIGNEE_REFUSED, NewTask, TaskChange, TaskManager, TaskRef};
pub use webhook::{HandshakeReply, InboundEvent, InboundPayload, InboundWebhook};
