//! Webhooks that come in.

use puente_proto::messaging::{MessageReceived, ReceiptChanged, TemplateChanged};
use puente_proto::signing::EnvelopeChanged;
use puente_proto::tasks::TaskReported;
use puente_webhook_auth::{RawRequest, Verified, WebhookAuth};

use crate::{Connection, ProviderError};

/// A provider that calls us.
pub trait InboundWebhook: Send + Sync {
    /// How its requests over this connection are authenticated. No default on purpose.
    fn auth(&self, connection: &Connection) -> WebhookAuth;

    /// Answers a subscription handshake; `None` when the request is none. A request that is posted and authentic is never
    /// asked about.
    fn handshake(&self, _connection: &Connection, _request: &RawRequest) -> Option<HandshakeReply> {
        None
    }

    /// Turns a verified request into events. Pure: no network, no clock.
    ///
    /// # Errors
    /// `Malformed` when the body is not what the provider documents. Unknown kinds are no error: they are
    /// [`InboundPayload::Ignored`].
    fn translate(&self, request: &Verified) -> Result<Vec<InboundEvent>, ProviderError>;
}

/// The answer to a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeReply {
    /// 200 with this plain text.
    Accept(String),
    /// 200 with this header, and no body.
    Header {
        /// Its name, in lower case.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// 403.
    Refuse,
}

/// One event found in a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundEvent {
    /// The provider's identity of what happened, taken from signed content. The same happening gives the same key.
    pub dedupe_key: String,
    /// The account's id at the provider, where the webhook names one: routes to the tenant.
    pub account: Option<String>,
    /// What happened. `provider`, `connection`, `delivery_id` and `receipt_sequence` are filled in by ingress.
    pub payload: InboundPayload,
    /// W3C trace context that the provider carried back in our own reference.
    pub traceparent: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum InboundPayload {
    /// A person wrote.
    Message(Box<MessageReceived>),
    /// A message that we sent moved on.
    Receipt(Box<ReceiptChanged>),
    /// A template's state changed.
    Template(Box<TemplateChanged>),
    /// An envelope or one of its signers moved on.
    Envelope(Box<EnvelopeChanged>),
    /// Somebody did something to a task.
    Task(Box<TaskReported>),
    /// Kept with the delivery, but no event: unknown or unused kinds.
    Ignored {
        /// The provider's word for the kind, cut to a sane length.
        kind: String,
        /// Why it makes no event.
        reason: &'static str,
    },
}
