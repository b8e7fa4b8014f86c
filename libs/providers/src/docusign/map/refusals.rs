//! What DocuSign's refusals mean. Pure.

use puente_ports::{Manifest, OutboundResponse, ProviderError, ProviderErrorKind, reset_in, retry_after};
use puente_proto::signing::EnvelopeStatus;

use crate::docusign::wire;
pub(in super::super) use crate::kit::asked;
use crate::kit::{classify, without_addresses};

/// What a refusal means. The code decides, whatever the status: both moved between 400 and 429 in 2026.
pub(in super::super) fn refusal(manifest: &Manifest, response: &OutboundResponse) -> ProviderError {
    let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let (code, detail) = if refusal.code.is_empty() {
        (refusal.error.0, refusal.description.0)
    } else {
        (refusal.code.to_ascii_uppercase(), refusal.message.0)
    };
    let detail = if detail.is_empty() {
        "the answer gives no reason"
    } else {
        &detail
    };
    let error = classify(
        manifest,
        response,
        Some(code.as_str()).filter(|code| !code.is_empty()),
        &without_addresses(detail),
    );
    // The hourly window ends when the header says; the table's hour is for answers without it.
    let hourly = error.code().starts_with("HOURLY_") && retry_after(&response.headers, None).is_none();
    let kind = match (error.kind(), reset_in(&response.headers)) {
        (ProviderErrorKind::RateLimited { .. }, Some(wait)) if hourly => ProviderErrorKind::RateLimited {
            retry_after: Some(wait),
        },
        (kind, _) => kind.clone(),
    };
    let detail = format!("{}{}", error.detail(), trace_token(response));
    ProviderError::new(kind, error.code(), detail)
}

/// The mark by which DocuSign's support finds a call.
fn trace_token(response: &OutboundResponse) -> String {
    let token = response.headers.get("x-docusign-tracetoken");
    let token = token.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let proper = (1..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if proper {
        format!(" [DocuSign's trace {token}]")
    } else {
        String::new()
    }
}

/// Whether a refusal of a change says that the envelope's state forbids it: then its state decides what that means.
pub(in super::super) fn is_about_state(error: &ProviderError) -> bool {
    matches!(
        error.code(),
        "ENVELOPE_INVALID_STATUS" | "ENVELOPE_CANNOT_VOID_INVALID_STATE"
    )
}

/// A question about one envelope came too soon after another one: that envelope has to wait, and no other call.
pub(in super::super) fn about_one(error: ProviderError) -> ProviderError {
    match *error.kind() {
        ProviderErrorKind::RateLimited { retry_after } => {
            let kind = ProviderErrorKind::Unavailable { retry_after };
            ProviderError::new(kind, error.code(), error.detail())
        }
        _ => error,
    }
}

/// Whether nothing more happens to an envelope.
pub(in super::super) fn has_ended(status: EnvelopeStatus) -> bool {
    matches!(
        status,
        EnvelopeStatus::Completed | EnvelopeStatus::Declined | EnvelopeStatus::Voided
    )
}
