//! What can go wrong, classed by what the caller does about it.
//!
//! Texts name a kind of trouble, never a URL, a key of an account or a file's content; what lies beneath is the source.

use puente_ports::{ProviderError, ProviderErrorKind};

/// What lies beneath; for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an object was not stored, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such object.
    #[error("there is no such object")]
    NotFound,
    /// Another content is stored under the key. Nothing was changed.
    #[error("the key is taken by another content")]
    AlreadyExists,
    /// What is stored is not what was stored once.
    #[error("the stored content is not what was recorded")]
    Tampered,
    /// Larger than the caller wants, or than is kept at all.
    #[error("the object has more than {max_bytes} bytes")]
    TooLarge {
        /// The most.
        max_bytes: usize,
    },
    /// Someone must change settings or rights: repeating does not help.
    #[error("the storage is not set up as it must be: {code}")]
    Configuration {
        /// A fixed word.
        code: &'static str,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },
    /// Goes away by itself. A write may have happened: repeat it under the same key.
    #[error("the storage cannot be reached now: {code}")]
    Unavailable {
        /// A fixed word.
        code: &'static str,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },
}

impl BlobError {
    pub(crate) fn configuration(code: &'static str, source: impl Into<Cause>) -> Self {
        let source = Some(source.into());
        Self::Configuration { code, source }
    }

    pub(crate) fn unavailable(code: &'static str, source: impl Into<Cause>) -> Self {
        let source = Some(source.into());
        Self::Unavailable { code, source }
    }

    /// A fixed word, for events and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "blob_not_found",
            Self::AlreadyExists => "blob_exists",
            Self::Tampered => "blob_tampered",
            Self::TooLarge { .. } => "blob_too_large",
            Self::Configuration { code, .. } | Self::Unavailable { code, .. } => code,
        }
    }
}

/// Writes are create-only, and repeating one that happened is a success: so a write in doubt is no outcome to settle,
/// but one to repeat.
impl From<BlobError> for ProviderError {
    fn from(error: BlobError) -> Self {
        let kind = match &error {
            BlobError::NotFound
            | BlobError::AlreadyExists
            | BlobError::Tampered
            | BlobError::TooLarge { .. } => ProviderErrorKind::Rejected,
            BlobError::Configuration { .. } => ProviderErrorKind::Configuration,
            BlobError::Unavailable { .. } => ProviderErrorKind::Unavailable { retry_after: None },
        };
        Self::new(kind, error.code(), error.to_string())
    }
}

/// Why a storage cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting that is needed is empty.
    #[error("storage.{0} is not set")]
    Missing(&'static str),
    /// A setting cannot be read.
    #[error("storage.{key} {what}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// What is wrong; never the value.
        what: &'static str,
    },
    /// Plain HTTP, and not to this machine.
    #[error("storage.{0} must begin with https://")]
    Insecure(&'static str),
    /// The program was built without it.
    #[error("this program was built without {0}")]
    NotBuilt(&'static str),
    /// The folder or the client cannot be made.
    #[error("the storage cannot be opened")]
    Failed(#[source] Cause),
}

#[cfg(test)]
mod tests {
    use puente_ports::Decision;

    use super::*;

    #[test]
    fn what_a_caller_does_follows_from_the_class() {
        let unavailable = || BlobError::unavailable("storage_down", "x");
        let decided = |error: BlobError| ProviderError::from(error).decision();
        assert!(matches!(decided(unavailable()), Decision::Retry { .. }));
        assert_eq!(
            decided(BlobError::configuration("storage_refused", "x")),
            Decision::Fail
        );
        for error in [
            BlobError::NotFound,
            BlobError::AlreadyExists,
            BlobError::Tampered,
            BlobError::TooLarge { max_bytes: 1 },
        ] {
            assert_eq!(decided(error), Decision::Fail);
        }
        assert_eq!(ProviderError::from(unavailable()).code(), "storage_down");
    }
}
