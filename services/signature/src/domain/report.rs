//! What a provider tells of an envelope, in our words.

use time::OffsetDateTime;

use crate::domain::signer::SignerState;

/// How far the envelope has come, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// It is with its signers, or nothing is said about it.
    Open,
    /// All have signed.
    Completed,
    /// Somebody refused.
    Declined,
    /// Called back, or run out.
    Voided,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) envelope: Envelope,
    pub(crate) signers: Vec<SignerReport>,
    /// Why it was declined or voided.
    pub(crate) reason: String,
    /// When it happened, by the provider's clock, else when it was heard.
    pub(crate) at: OffsetDateTime,
}

/// What it tells of one signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignerReport {
    /// The id that we gave.
    pub(crate) recipient_id: String,
    pub(crate) state: SignerState,
    pub(crate) reason: String,
    pub(crate) at: Option<OffsetDateTime>,
}
