//! What goes wrong with a grant, in the words that callers act on.

use puente_ports::{Connection, ProviderError, ProviderErrorKind};

use super::CONSENT_REQUIRED;
use super::slot::PAUSE;
use crate::SealError;

/// RFC 6749 §5.2 and the vendors' own word for consent that is missing.
pub(super) fn needs_a_person(error: &ProviderError) -> bool {
    ["invalid_grant", CONSENT_REQUIRED].contains(&error.code())
}

/// The call that the token was for has surely not been made, whatever became of the renewal.
pub(super) fn not_acted(error: ProviderError) -> ProviderError {
    match error.kind() {
        ProviderErrorKind::OutcomeUnknown => ProviderError::new(
            ProviderErrorKind::Unavailable {
                retry_after: Some(PAUSE),
            },
            error.code(),
            error.detail(),
        ),
        _ => error,
    }
}

pub(super) fn consent_required(connection: &Connection, problem: &str) -> ProviderError {
    ProviderError::configuration(
        CONSENT_REQUIRED,
        format!(
            "connection {} must be authorised again ({problem})",
            connection.id
        ),
    )
}

pub(super) fn unavailable(detail: &str) -> ProviderError {
    let kind = ProviderErrorKind::Unavailable {
        retry_after: Some(PAUSE),
    };
    ProviderError::new(kind, "token_renewal", detail)
}

pub(super) fn unsealable(connection: &Connection, error: SealError) -> ProviderError {
    let detail = format!("the tokens of connection {}: {error}", connection.id);
    if error.is_temporary() {
        return unavailable(&detail);
    }
    ProviderError::configuration("tokens_sealed", detail)
}

pub(super) fn no_database() -> ProviderError {
    unavailable("the tokens cannot be reached in the database")
}
