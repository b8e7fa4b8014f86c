//! Why a request is not taken, with its HTTP status and the word that programs read.

/// A refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such provider, or no such connection of it.
    #[error("no provider or connection of this name receives webhooks here")]
    UnknownAddress,
    /// The provider does not use this method.
    #[error("this address does not take this method")]
    Method,
    /// A handshake with the wrong token, or one that nobody waits for.
    #[error("the verification token does not match, or no handshake is expected")]
    Handshake,
    /// Not authentic. Holds the reason's code.
    #[error("the request is not authentic: {0}")]
    NotAuthentic(&'static str),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The body is longer than the provider ever sends.
    #[error("the body is larger than this provider's limit")]
    TooLarge,
    /// The body broke off.
    #[error("the body broke off")]
    BrokenBody,
    /// Not the content type that the provider sends.
    #[error("this provider sends another content type")]
    ContentType,
    /// Too many requests from one address.
    #[error("too many requests from this address")]
    TooMany,
    /// Storage is down or behind; come again.
    #[error("the request could not be stored now; send it again")]
    NotStored,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::UnknownAddress => 404,
            Self::Method => 405,
            Self::Handshake => 403,
            Self::NotAuthentic(_) => 401,
            Self::TooSlow => 408,
            Self::TooLarge => 413,
            Self::BrokenBody => 400,
            Self::ContentType => 415,
            Self::TooMany => 429,
            Self::NotStored => 503,
        }
    }

    /// The word that programs read; also the metric label.
    #[must_use]
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown_address",
            Self::Method => "method_not_allowed",
            Self::Handshake => "verification_token_mismatch",
            Self::NotAuthentic(code) => code,
            Self::TooSlow => "body_too_slow",
            Self::TooLarge => "body_too_large",
            Self::BrokenBody => "body_incomplete",
            Self::ContentType => "unsupported_content_type",
            Self::TooMany => "rate_limited",
            Self::NotStored => "not_stored",
        }
    }

    /// How many seconds to wait before coming again, where that helps.
    #[must_use]
    pub(crate) const fn retry_after(self) -> Option<u32> {
        match self {
            Self::TooMany => Some(1),
            Self::NotStored => Some(5),
            _ => None,
        }
    }
}
