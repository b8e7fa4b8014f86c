//! Why a question has no answer, whoever was asked: the one place where gRPC statuses are understood.

use tonic::{Code, Status};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The scope has nothing of this name.
    #[error("there is no such thing")]
    NotFound,
    /// The question cannot be understood.
    #[error("{0}")]
    Invalid(String),
    /// It belongs to a tenant, and none was chosen.
    #[error("choose a tenant")]
    NeedsTenant,
    /// The state of things does not allow it.
    #[error("{0}")]
    Refused(String),
    /// It was changed by somebody else meanwhile.
    #[error("{0}")]
    Changed(String),
    /// A file of a kind that is not kept.
    #[error("{0}")]
    Kind(String),
    /// A file that is longer than may be.
    #[error("the file is too large")]
    TooLong,
    /// What is stored is not what was recorded.
    #[error("the stored file is not what was recorded; it is not shown")]
    Altered,
    /// They may not.
    #[error("this is not allowed")]
    Forbidden,
    /// A service does not answer now.
    #[error("{0} does not answer now")]
    Away(&'static str),
    /// A service answers too many others now.
    #[error("{0} has too much to do now")]
    Busy(&'static str),
    /// A service failed.
    #[error("{0} failed")]
    Broken(&'static str),
    /// The gateway's own database is away.
    #[error("the database is not usable")]
    Database,
}

impl Failure {
    /// What a service's status means.
    pub(crate) fn of(service: &'static str, status: &Status) -> Self {
        let said = || status.message().to_owned();
        match status.code() {
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => {
                tracing::error!(service, code = ?status.code(), "a service failed");
                Self::Broken(service)
            }
            Code::InvalidArgument if status.message() == "ask for one tenant" => Self::NeedsTenant,
            Code::InvalidArgument | Code::OutOfRange => Self::Invalid(said()),
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists | Code::FailedPrecondition => Self::Refused(said()),
            Code::Aborted => Self::Changed(said()),
            Code::PermissionDenied => Self::Forbidden,
            Code::ResourceExhausted => Self::Busy(service),
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Unavailable
            | Code::Unimplemented
            | Code::Unauthenticated => {
                tracing::warn!(service, code = ?status.code(), "a service gave no answer");
                Self::Away(service)
            }
        }
    }

    /// Whether somebody else may still have an answer.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Busy(_) | Self::Broken(_))
    }
}
