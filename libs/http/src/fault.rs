//! What a failed call means: the provider surely did not act, or it may have.
//!
//! Texts are fixed. The errors of the client library name the whole URL, so they are never shown.

use std::error::Error as StdError;
use std::io;

use http::{Method, StatusCode};
use puente_ports::{ProviderError, ProviderErrorKind};

use crate::net::AddressRefused;

/// The request failed before an answer began.
pub(crate) fn sending(error: &reqwest::Error) -> ProviderError {
    if find::<AddressRefused>(error).is_some() {
        return ProviderError::configuration(
            "address_refused",
            "the host resolves to addresses that may not be called",
        );
    }
    if error.is_builder() {
        return ProviderError::malformed("the request cannot be built");
    }
    if error.is_connect() {
        return not_connected(error);
    }
    if error.is_timeout() { timeout() } else { cut() }
}

/// The answer broke off, or its body cannot be decoded.
pub(crate) fn receiving(error: &reqwest::Error) -> ProviderError {
    if error.is_timeout() { timeout() } else { cut() }
}

/// The deadline passed. Nothing tells how far the request got.
pub(crate) fn timeout() -> ProviderError {
    unknown("timeout", "no answer within the deadline")
}

fn cut() -> ProviderError {
    unknown(
        "connection_cut",
        "the connection broke before the answer was complete",
    )
}

/// The answer is larger than is read. For a read, or a refusal, that is a matter of form; where the provider may
/// have acted, what it did is not known.
pub(crate) fn too_large(method: &Method, status: StatusCode) -> ProviderError {
    const CODE: &str = "response_too_large";
    const DETAIL: &str = "the answer is larger than allowed";
    if method.is_safe() || status.is_client_error() {
        ProviderError::new(ProviderErrorKind::Malformed, CODE, DETAIL)
    } else {
        unknown(CODE, DETAIL)
    }
}

/// Whether an error speaks against the provider's health.
pub(crate) const fn is_failure(error: &ProviderError) -> bool {
    matches!(
        error.kind(),
        ProviderErrorKind::Unavailable { .. } | ProviderErrorKind::OutcomeUnknown
    )
}

fn not_connected(error: &reqwest::Error) -> ProviderError {
    let refused = find::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
    let (code, detail) = if error.is_timeout() {
        ("connect_timeout", "no connection in time")
    } else if error.is_dns() {
        ("dns_failed", "the host's name cannot be resolved")
    } else if find::<rustls::Error>(error).is_some() {
        ("tls_failed", "no trusted TLS connection can be made")
    } else if refused {
        ("connection_refused", "nothing listens there")
    } else {
        ("connect_failed", "no connection can be made")
    };
    ProviderError::new(ProviderErrorKind::Unavailable { retry_after: None }, code, detail)
}

fn unknown(code: &str, detail: &str) -> ProviderError {
    ProviderError::new(ProviderErrorKind::OutcomeUnknown, code, detail)
}

/// The first error of a type in a chain, inside I/O errors too, which do not show what they wrap as their source.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(found) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(find_in)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn find_in<'a, E: StdError + 'static>(error: &'a (dyn StdError + Send + Sync + 'static)) -> Option<&'a E> {
    let error: &(dyn StdError + 'static) = error;
    find(error)
}
