//! DocuSign's answers about envelopes to results. Pure.

use bytes::Bytes;
use puente_ports::{
    CreatedEnvelope, EnvelopeReport, Manifest, OutboundResponse, ProviderError, ProviderErrorKind,
};

use super::refusals::{asked, refusal};
use super::{envelope_status, reason, reports, since};
use crate::docusign::wire;
use crate::kit::{MAX_ID, cut, read};

/// The result of a new envelope.
pub(in super::super) fn created(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<CreatedEnvelope, ProviderError> {
    if !response.status.is_success() {
        return Err(refusal(manifest, response));
    }
    let created: wire::Created = read(response, true)?;
    if created.envelope_id.is_empty() {
        return Err(ProviderError::new(
            ProviderErrorKind::OutcomeUnknown,
            "reply_unreadable",
            "the answer names no envelope",
        ));
    }
    Ok(CreatedEnvelope {
        envelope_id: cut(&created.envelope_id, MAX_ID),
        status: envelope_status(&created.status),
    })
}

/// The envelope of a transaction id, if there is one. The first, should there ever be two.
pub(in super::super) fn found(
    manifest: &Manifest,
    response: &OutboundResponse,
    reference: &str,
) -> Result<Option<CreatedEnvelope>, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let listing: wire::Listing = read(response, false)?;
    // Where the list names its transactions, an entry of another one is not ours.
    let ours = |envelope: &&wire::Envelope| {
        !envelope.envelope_id.is_empty()
            && (envelope.transaction_id.is_empty() || envelope.transaction_id.as_str() == reference)
    };
    Ok(listing
        .envelopes
        .iter()
        .find(ours)
        .map(|envelope| CreatedEnvelope {
            envelope_id: cut(&envelope.envelope_id, MAX_ID),
            status: envelope_status(&envelope.status),
        }))
}

/// How an envelope stands.
pub(in super::super) fn report(
    manifest: &Manifest,
    response: &OutboundResponse,
) -> Result<EnvelopeReport, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, response)));
    }
    let envelope: wire::Envelope = read(response, false)?;
    let status = envelope_status(&envelope.status);
    if envelope.status.is_empty() {
        return Err(ProviderError::malformed("the answer names no status"));
    }
    Ok(EnvelopeReport {
        status,
        signers: reports(&envelope.recipients),
        reason: reason(&envelope),
        changed_at: since(&envelope, status),
    })
}

/// A document's content.
pub(in super::super) fn document(
    manifest: &Manifest,
    response: OutboundResponse,
    max_bytes: usize,
) -> Result<Bytes, ProviderError> {
    if !response.status.is_success() {
        return Err(asked(refusal(manifest, &response)));
    }
    if response.body.len() > max_bytes {
        let kind = ProviderErrorKind::Malformed;
        return Err(ProviderError::new(
            kind,
            "document_too_large",
            "the document is larger than is taken",
        ));
    }
    if !response.body.starts_with(b"%PDF-") {
        return Err(ProviderError::malformed("the document is no PDF"));
    }
    Ok(response.body)
}

/// The result of a change that names no new thing.
pub(in super::super) fn done(manifest: &Manifest, response: &OutboundResponse) -> Result<(), ProviderError> {
    if response.status.is_success() {
        Ok(())
    } else {
        Err(refusal(manifest, response))
    }
}
