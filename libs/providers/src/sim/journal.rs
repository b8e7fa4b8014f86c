//! What was carried out. One entry is one message that a person would have received.

use serde::Serialize;

/// An effect about to be carried out.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// The vendor's operation: `messages.send`.
    pub operation: &'static str,
    /// The recipient as the caller named it.
    pub recipient: String,
    /// The text, or a template's parameters as lines.
    pub text: String,
    /// The template's name.
    pub template: Option<String>,
    /// The caller's reference, where the vendor takes one.
    pub reference: Option<String>,
    /// The opaque text that the vendor carries back.
    pub opaque: Option<String>,
    /// The caller's key of the call, where it sends one.
    pub idempotency_key: Option<String>,
    /// The vendor's id of the message; made up when empty.
    pub provider_message_id: String,
}

/// An effect that was carried out.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Rises by one with every effect of all simulators.
    pub sequence: u64,
    /// The account.
    pub account: String,
    /// The account's tenant.
    pub tenant: Option<String>,
    /// The vendor's operation.
    pub operation: &'static str,
    /// The recipient as the caller named it.
    pub recipient: String,
    /// The text, or a template's parameters as lines.
    pub text: String,
    /// The template's name.
    pub template: Option<String>,
    /// The caller's reference.
    pub reference: Option<String>,
    /// The opaque text that the vendor carries back.
    pub opaque: Option<String>,
    /// The caller's key of the call.
    pub idempotency_key: Option<String>,
    /// The vendor's id of the message.
    pub provider_message_id: String,
    /// When it was carried out, in Unix milliseconds.
    pub received_ms: i128,
}
