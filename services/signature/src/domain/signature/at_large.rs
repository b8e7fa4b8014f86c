//! Envelopes at large: with their signers although they must not be. People see them until they are back, whatever became of
//! the request meanwhile.

use time::OffsetDateTime;

use crate::domain::event::Happened;
use crate::domain::problem::{Problem, SECOND_ENVELOPE, Tag, VOID_FAILED};
use crate::domain::signature::Signature;
use crate::domain::state::{State, Step};

impl Signature {
    /// Whether its envelope has to be called back, if there is one.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.step == Step::Manual || self.step == Step::Ended && (self.state == State::Anulado || self.manual)
    }

    /// Whether an envelope of it is at large.
    pub(crate) fn is_at_large(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_at_large)
    }

    /// An envelope could not be called back.
    pub(crate) fn not_called_back(&mut self, detail: &str, tag: Tag, at: OffsetDateTime) {
        self.stopped_by(VOID_FAILED, detail, tag, at);
    }

    /// There is a second envelope.
    pub(crate) fn second_envelope(&mut self, detail: &str, tag: Tag, at: OffsetDateTime) {
        self.stopped_by(SECOND_ENVELOPE, detail, tag, at);
    }

    /// Its own envelope is back, or has ended otherwise.
    pub(crate) fn called_back(&mut self, at: OffsetDateTime) {
        self.no_longer(VOID_FAILED, at);
    }

    /// The second envelope is back, or has ended otherwise.
    pub(crate) fn second_called_back(&mut self, at: OffsetDateTime) {
        self.no_longer(SECOND_ENVELOPE, at);
    }

    /// A person has seen that a second envelope cannot be called back any more.
    pub(super) fn second_is_known(&mut self, at: OffsetDateTime) {
        let hopeless = self
            .problem
            .as_ref()
            .is_some_and(|problem| problem.tag == Tag::Permanent);
        if hopeless {
            self.second_called_back(at);
        }
    }

    fn no_longer(&mut self, code: &str, at: OffsetDateTime) {
        let gone = self.problem.take_if(|problem| problem.code == code);
        if gone.is_some() {
            self.record(Happened::Troubled {
                problem: None,
                since: at,
            });
        }
    }
}
