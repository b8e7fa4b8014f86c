//! What people do to a request: the manual way, calling it back, asking again, setting it going again.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::signature::Signature;
use crate::domain::state::{State, Step};

/// Something that a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask the open signers again.
    Resend,
    /// Call it back for good.
    Void,
    /// Ask the provider how it stands.
    Check,
    /// Go on by hand.
    Manual,
    /// Bring the scan.
    Scan,
    /// Set it going again.
    Retry,
    /// Say that somebody was told of a rejection.
    Told,
}

/// Why it may not be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is over.
    #[error("the request has ended as {}", .0.as_str())]
    Ended(State),
    /// The contract is still being made.
    #[error("the contract is not made yet")]
    NotPrepared,
    /// The envelope is not with its signers.
    #[error("the request is not with its provider")]
    NotSent,
    /// Everybody has signed.
    #[error("all have signed; the documents are being stored")]
    AllSigned,
    /// The manual way was not taken.
    #[error("the manual way was not taken")]
    NotManual,
    /// It is on the manual way.
    #[error("the request goes on by hand")]
    IsManual,
    /// Nobody waits to be told.
    #[error("that signer does not wait for a person to tell them")]
    Told,
    /// There is nothing to mend.
    #[error("nothing stops the request")]
    NoProblem,
}

/// Where a request that is set going again begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// With a worker: the contract, or the signed documents.
    Work,
    /// With its envelope.
    Send,
    /// With calling back the envelope that is at large.
    CallBack,
}

impl Action {
    const ALL: [Self; 7] = [
        Self::Resend,
        Self::Void,
        Self::Check,
        Self::Manual,
        Self::Scan,
        Self::Retry,
        Self::Told,
    ];

    /// As callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Void => "void",
            Self::Check => "check",
            Self::Manual => "manual",
            Self::Scan => "scan",
            Self::Retry => "retry",
            Self::Told => "told",
        }
    }
}

impl Signature {
    /// What may be done now.
    pub(crate) fn actions(&self) -> Vec<Action> {
        Action::ALL
            .into_iter()
            .filter(|action| self.may(*action).is_ok())
            .collect()
    }

    /// Whether this may be done now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may(&self, action: Action) -> Result<(), Refused> {
        match (action, self.step) {
            (Action::Told, _) if self.somebody_is_untold() => Ok(()),
            (Action::Told, _) => Err(Refused::Told),
            (Action::Retry, _) if self.is_at_large() => Ok(()),
            (_, Step::Ended) => Err(Refused::Ended(self.state)),
            (Action::Void | Action::Manual, Step::Storing) => Err(Refused::AllSigned),
            (Action::Manual, Step::Preparing) => Err(Refused::NotPrepared),
            (Action::Manual | Action::Retry, Step::Manual) => Err(Refused::IsManual),
            (Action::Resend | Action::Check, Step::Waiting)
            | (Action::Scan, Step::Manual)
            | (Action::Void, _)
            | (Action::Manual, Step::Sending | Step::Waiting) => Ok(()),
            (Action::Resend | Action::Check, _) => Err(Refused::NotSent),
            (Action::Scan, _) => Err(Refused::NotManual),
            (Action::Retry, Step::Waiting) => Err(Refused::NoProblem),
            (Action::Retry, Step::Preparing | Step::Sending | Step::Storing) => {
                if self.problem.is_some() {
                    Ok(())
                } else {
                    Err(Refused::NoProblem)
                }
            }
        }
    }

    /// Takes the manual way. The envelope, if there is one, has to be called back.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn take_manually(&mut self, at: OffsetDateTime) -> Result<(), Refused> {
        self.may(Action::Manual)?;
        self.step = Step::Manual;
        self.manual = true;
        self.relieve(at);
        Ok(())
    }

    /// The scan of the signed paper is stored.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn scan_recorded(
        &mut self,
        document: Uuid,
        by: &str,
        at: OffsetDateTime,
    ) -> Result<(), Refused> {
        self.may(Action::Scan)?;
        self.signed = Some(document);
        self.end(State::Firmado, None, by, at);
        Ok(())
    }

    /// Calls it back for good.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn void(&mut self, reason: &str, by: &str, at: OffsetDateTime) -> Result<(), Refused> {
        self.may(Action::Void)?;
        reason.clone_into(&mut self.reason);
        self.end(State::Anulado, None, by, at);
        Ok(())
    }

    /// Sets it going again.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn retry(&mut self, at: OffsetDateTime) -> Result<Again, Refused> {
        self.may(Action::Retry)?;
        if self.is_at_large() {
            self.second_is_known(at);
            return Ok(Again::CallBack);
        }
        self.relieve(at);
        Ok(if self.step == Step::Sending {
            Again::Send
        } else {
            Again::Work
        })
    }
}
