//! Documents that people sign at a provider.

use async_trait::async_trait;
use bytes::Bytes;
use puente_proto::signing::{EnvelopeStatus, SignerReport};
use time::OffsetDateTime;

use crate::{CallCtx, ProviderError, Recovery};

/// The secret of a connection under which a caller hands the adapter today's access token.
pub const ACCESS_TOKEN: &str = "access_token";
/// The setting of a connection under which a caller hands the adapter the account's id at the provider.
pub const ACCOUNT_ID: &str = "account_id";
/// The setting of a connection under which a caller hands the adapter the root of the account's interface.
pub const BASE_URI: &str = "base_uri";

/// Documents that go to their signers together.
#[derive(Clone)]
pub struct NewEnvelope {
    /// Our reference: unique, and how the envelope is found again when the answer to its creation was lost.
    pub reference: String,
    /// The subject of the e-mails; cut by the adapter to what the provider takes.
    pub subject: String,
    /// A sentence below it.
    pub message: String,
    /// What is signed.
    pub documents: Vec<EnvelopeDocument>,
    /// Who signs.
    pub signers: Vec<EnvelopeSigner>,
    /// Where the provider reports to.
    pub callback_url: String,
}

/// A PDF of an envelope.
#[derive(Clone)]
pub struct EnvelopeDocument {
    /// Its name with its extension.
    pub name: String,
    /// Its content.
    pub pdf: Bytes,
}

/// A signer of an envelope.
#[derive(Clone)]
pub struct EnvelopeSigner {
    /// The id in reports: `1`, `2` …
    pub recipient_id: String,
    /// Who has the same number signs at the same time, lower ones sign before.
    pub order: u32,
    /// The name.
    pub name: String,
    /// Where the request goes.
    pub email: String,
    /// The mark in the document where the signature goes; there once only.
    pub anchor: String,
}

/// An envelope that exists at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedEnvelope {
    /// The provider's id.
    pub envelope_id: String,
    /// How far it is.
    pub status: EnvelopeStatus,
}

/// How an envelope stands, as the provider says when asked.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvelopeReport {
    /// How far it is.
    pub status: EnvelopeStatus,
    /// How far each signer is.
    pub signers: Vec<SignerReport>,
    /// Why it was declined or voided.
    pub reason: String,
    /// When its status last changed.
    pub changed_at: Option<OffsetDateTime>,
}

/// What can be fetched of a completed envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopePart {
    /// All documents in one PDF, signed, without the certificate.
    Signed,
    /// The provider's certificate of completion.
    Certificate,
}

/// A provider that collects signatures. Calls need [`ACCESS_TOKEN`], [`ACCOUNT_ID`] and [`BASE_URI`] in the connection.
#[async_trait]
pub trait SignatureProvider: Send + Sync {
    /// How creating recovers when its outcome is unknown.
    fn recovery(&self) -> Recovery;

    /// The shortest time between two questions for the status of one envelope that the vendor allows.
    fn poll_interval(&self) -> std::time::Duration;

    /// Creates an envelope and sends it to its signers.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn create(
        &self,
        ctx: CallCtx<'_>,
        envelope: &NewEnvelope,
    ) -> Result<CreatedEnvelope, ProviderError>;

    /// The envelope of our reference, if there is one.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn find(&self, ctx: CallCtx<'_>, reference: &str)
    -> Result<Option<CreatedEnvelope>, ProviderError>;

    /// How an envelope stands. Read-only.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn status(&self, ctx: CallCtx<'_>, envelope_id: &str) -> Result<EnvelopeReport, ProviderError>;

    /// Fetches a part of a completed envelope, at most `max_bytes`. Read-only.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn fetch(
        &self,
        ctx: CallCtx<'_>,
        envelope_id: &str,
        part: EnvelopePart,
        max_bytes: usize,
    ) -> Result<Bytes, ProviderError>;

    /// Calls an envelope back. One that has ended already is left as it is, and that is no error.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn void(&self, ctx: CallCtx<'_>, envelope_id: &str, reason: &str) -> Result<(), ProviderError>;

    /// Asks the open signers again.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn resend(&self, ctx: CallCtx<'_>, envelope_id: &str) -> Result<(), ProviderError>;
}
