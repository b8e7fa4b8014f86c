//! The one classification of what can go wrong at a provider. It decides retries, breakers, alerts and outcomes.

use std::fmt;
use std::time::Duration;

/// What went wrong at a provider. Texts hold no secrets, phone numbers or message bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    kind: ProviderErrorKind,
    code: String,
    detail: String,
}

/// The kinds of failure. A new kind does not compile until [`ProviderError::decision`] has a row for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The provider understood and refused (4xx): repeating cannot help.
    Rejected,
    /// Our request, or the provider's answer, does not have the form agreed on.
    Malformed,
    /// Credentials or permissions are wrong (401, 403).
    Auth,
    /// The account, template or number is not set up as the call needs.
    Configuration,
    /// Too many requests. `retry_after` is what the provider asked for, if it did.
    RateLimited {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// The provider is down or unreachable, and surely did not act.
    Unavailable {
        /// How long to wait, if the provider said so.
        retry_after: Option<Duration>,
    },
    /// The request may or may not have been carried out: a timeout or cut after the body left, or a 5xx that does not tell.
    OutcomeUnknown,
}

/// The class of failure, for metrics and stored attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// 4xx and malformed data.
    Client,
    /// 401, 403.
    Auth,
    /// 429.
    RateLimited,
    /// 5xx.
    Server,
    /// No answer in time.
    Timeout,
}

/// What a person has to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorTag {
    /// Goes away by itself.
    Temporary,
    /// Never works like this.
    Permanent,
    /// Someone must change settings or credentials.
    Configuration,
}

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Give up: the failure is the result.
    Fail,
    /// Refresh the credentials once, repeat, then fail.
    RefreshThenFail,
    /// Repeat later, within the budget of `max_attempts` calls in all.
    Retry {
        /// Calls in all, the first included.
        max_attempts: u32,
        /// The provider's own wish, if it stated one.
        after: Option<Duration>,
    },
    /// Find out first: by look-up or idempotency key, else park for a person.
    Settle,
}

impl ProviderError {
    /// An error of `kind`. `code` is the provider's code or a short word of ours; `detail` is for operators.
    #[must_use]
    pub fn new(kind: ProviderErrorKind, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        Self {
            kind,
            code: code.into(),
            detail: detail.chars().take(300).collect(),
        }
    }

    /// The provider's answer or our request has not the agreed form.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProviderErrorKind::Malformed, "malformed", detail)
    }

    /// Something is not set up.
    #[must_use]
    pub fn configuration(code: &str, detail: impl Into<String>) -> Self {
        Self::new(ProviderErrorKind::Configuration, code, detail)
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> &ProviderErrorKind {
        &self.kind
    }

    /// The provider's code or a short word of ours.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// More for operators; no secrets, no personal data.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The class for metrics.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self.kind {
            ProviderErrorKind::Rejected | ProviderErrorKind::Malformed | ProviderErrorKind::Configuration => {
                ErrorClass::Client
            }
            ProviderErrorKind::Auth => ErrorClass::Auth,
            ProviderErrorKind::RateLimited { .. } => ErrorClass::RateLimited,
            ProviderErrorKind::Unavailable { .. } => ErrorClass::Server,
            ProviderErrorKind::OutcomeUnknown => ErrorClass::Timeout,
        }
    }

    /// What a person has to do.
    #[must_use]
    pub const fn tag(&self) -> ErrorTag {
        match self.kind {
            ProviderErrorKind::Rejected | ProviderErrorKind::Malformed => ErrorTag::Permanent,
            ProviderErrorKind::Auth | ProviderErrorKind::Configuration => ErrorTag::Configuration,
            ProviderErrorKind::RateLimited { .. }
            | ProviderErrorKind::Unavailable { .. }
            | ProviderErrorKind::OutcomeUnknown => ErrorTag::Temporary,
        }
    }

    /// What the caller does next. The budgets are those of the platform: 3 repeats for a server that is down,
    /// more patience for a rate limit, since waiting is what it asks for.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self.kind {
            ProviderErrorKind::Rejected | ProviderErrorKind::Malformed | ProviderErrorKind::Configuration => {
                Decision::Fail
            }
            ProviderErrorKind::Auth => Decision::RefreshThenFail,
            ProviderErrorKind::RateLimited { retry_after } => Decision::Retry {
                max_attempts: 12,
                after: retry_after,
            },
            ProviderErrorKind::Unavailable { retry_after } => Decision::Retry {
                max_attempts: 4,
                after: retry_after,
            },
            ProviderErrorKind::OutcomeUnknown => Decision::Settle,
        }
    }
}

impl ErrorClass {
    /// A fixed word for metric labels and stored attempts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Auth => "auth",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Timeout => "timeout",
        }
    }
}

impl ErrorTag {
    /// A fixed word for events and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Permanent => "permanent",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.class().as_str(), self.code, self.detail)
    }
}

impl std::error::Error for ProviderError {}
