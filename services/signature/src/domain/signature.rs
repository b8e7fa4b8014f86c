//! One request for signatures.
//!
//! What the provider reports only ever moves it forward: late, repeated and overtaking reports end in the same place. The
//! first end that is told stays. Every event has the next version, so that whoever follows notices a gap.

mod at_large;
mod manual;
mod telling;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::event::{Happened, Recorded};
use crate::domain::problem::{Problem, Tag};
use crate::domain::report::{Envelope, Report};
use crate::domain::signer::{Role, Signer, SignerState};
use crate::domain::state::{State, Step};

pub(crate) use manual::{Action, Again, Refused};

/// The code of the problem that a signer cannot be reached.
pub(crate) const SIGNER_FAILED: &str = "signer_failed";

/// A request for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) state: State,
    pub(crate) step: Step,
    pub(crate) manual: bool,
    pub(crate) signers: Vec<Signer>,
    /// Why it was rejected or voided.
    pub(crate) reason: String,
    /// The provider's id of the envelope.
    pub(crate) envelope_id: Option<String>,
    pub(crate) problem: Option<Problem>,
    pub(crate) contract: Option<Uuid>,
    pub(crate) signed: Option<Uuid>,
    pub(crate) version: i64,
    /// What happened since it was loaded.
    pub(crate) events: Vec<Recorded>,
}

/// What has to be done after a report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Who had signed, and is to be told that somebody refused.
    pub(crate) tell: Vec<Role>,
    /// The report contradicts how the request ended before; that stays.
    pub(crate) contradicts: bool,
}

impl Signature {
    /// A request that was just asked for.
    pub(crate) fn open(at: OffsetDateTime) -> Self {
        let mut opened = Self {
            state: State::EnProceso,
            step: Step::Preparing,
            manual: false,
            signers: Role::ALL.into_iter().map(Signer::new).collect(),
            reason: String::new(),
            envelope_id: None,
            problem: None,
            contract: None,
            signed: None,
            version: 0,
            events: Vec::new(),
        };
        opened.tell_state(None, None, "", at);
        opened
    }

    /// The contract is stored: the envelope may go.
    pub(crate) fn contract_stored(&mut self, document: Uuid, at: OffsetDateTime) {
        if self.step == Step::Preparing {
            self.contract = Some(document);
            self.step = Step::Sending;
            self.relieve(at);
        }
    }

    /// The envelope exists. `true` when it must be called back, since it is no longer wanted.
    pub(crate) fn envelope_known(&mut self, envelope_id: &str, at: OffsetDateTime) -> bool {
        if self.envelope_id.is_none() {
            self.envelope_id = Some(envelope_id.to_owned());
            let envelope_id = envelope_id.to_owned();
            self.record(Happened::Sent { envelope_id, at });
        }
        if self.step == Step::Sending {
            self.step = Step::Waiting;
            self.relieve(at);
        }
        self.is_unwanted()
    }

    /// Takes in what the provider tells.
    pub(crate) fn hear(&mut self, report: &Report) -> Heard {
        for told in &report.signers {
            if let Some(role) = Role::of_recipient(&told.recipient_id) {
                self.signer_moves(role, told.state, &told.reason, told.at, report.at);
            }
        }
        if report.envelope != Envelope::Open {
            // However it ended: nobody can sign it any more.
            self.called_back(report.at);
        }
        let refused_by = self.refused_by();
        let declined = report.envelope == Envelope::Declined || refused_by.is_some();
        let mut contradicts = false;
        match (self.step, report.envelope) {
            (Step::Preparing, _) => {}
            (Step::Sending | Step::Waiting | Step::Manual, Envelope::Completed) if refused_by.is_none() => {
                self.all_signed(report.at);
            }
            (Step::Sending | Step::Waiting | Step::Manual, _) if declined => {
                self.reason = self.why_refused(report);
                self.end(State::Rechazado, refused_by, "", report.at);
            }
            (Step::Sending | Step::Waiting, Envelope::Voided) => {
                self.reason.clone_from(&report.reason);
                self.end(State::Anulado, None, "", report.at);
            }
            (Step::Ended | Step::Storing, told) => contradicts = self.contradicted_by(told, declined),
            _ => {}
        }
        if self.state == State::Rechazado {
            self.reason = self.why_refused(report);
        }
        self.watch_signers(report.at);
        Heard {
            tell: self.newly_told(report.at),
            contradicts,
        }
    }

    /// The signed documents are stored.
    pub(crate) fn signed_stored(&mut self, document: Uuid, at: OffsetDateTime) {
        if self.step == Step::Storing {
            self.signed = Some(document);
            self.end(State::Firmado, None, "", at);
        }
    }

    /// Something stops it. Told once, as long as it is the same.
    pub(crate) fn trouble(&mut self, code: &str, detail: &str, tag: Tag, at: OffsetDateTime) {
        let at_large = self.problem.as_ref().is_some_and(Problem::is_at_large);
        if self.step == Step::Ended || at_large {
            return;
        }
        self.stopped_by(code, detail, tag, at);
    }

    fn stopped_by(&mut self, code: &str, detail: &str, tag: Tag, at: OffsetDateTime) {
        let same = self
            .problem
            .as_ref()
            .filter(|known| known.code == code && known.tag == tag);
        let since = same.map_or(at, |known| known.since);
        let told = same.is_some();
        self.problem = Some(Problem {
            code: code.to_owned(),
            detail: detail.to_owned(),
            tag,
            since,
        });
        if !told {
            let problem = Some((code.to_owned(), tag));
            self.record(Happened::Troubled { problem, since });
        }
    }

    /// What stopped it is over. An envelope at large stays one.
    pub(crate) fn relieve(&mut self, at: OffsetDateTime) {
        if self.problem.take_if(|problem| !problem.is_at_large()).is_some() {
            self.record(Happened::Troubled {
                problem: None,
                since: at,
            });
        }
    }

    fn signer_moves(
        &mut self,
        role: Role,
        state: SignerState,
        reason: &str,
        told_at: Option<OffsetDateTime>,
        heard_at: OffsetDateTime,
    ) {
        let Some(signer) = self.signers.iter_mut().find(|signer| signer.role == role) else {
            return;
        };
        if let Some(before) = signer.hear(state, reason, told_at) {
            self.record(Happened::Signer {
                role,
                before,
                after: state,
                at: told_at.unwrap_or(heard_at),
            });
        }
    }

    fn all_signed(&mut self, at: OffsetDateTime) {
        for role in Role::ALL {
            self.signer_moves(role, SignerState::Signed, "", Some(at), at);
        }
        self.step = Step::Storing;
        self.manual = false;
        self.relieve(at);
    }

    fn signer(&self, role: Role) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.role == role)
    }

    fn refused_by(&self) -> Option<Role> {
        let refused = self
            .signers
            .iter()
            .find(|signer| signer.state == SignerState::Declined);
        refused.map(|signer| signer.role)
    }

    /// In the words of who refused, else in those of the envelope.
    fn why_refused(&self, report: &Report) -> String {
        let spoken = self
            .signers
            .iter()
            .find(|signer| signer.state == SignerState::Declined && !signer.reason.is_empty());
        if let Some(signer) = spoken {
            return signer.reason.clone();
        }
        if self.reason.is_empty() && report.envelope == Envelope::Declined {
            return report.reason.clone();
        }
        self.reason.clone()
    }

    const fn contradicted_by(&self, told: Envelope, declined: bool) -> bool {
        match (self.state, told) {
            (State::EnProceso | State::Firmado, Envelope::Declined | Envelope::Voided)
            | (State::Rechazado | State::Anulado, Envelope::Completed)
            | (State::Rechazado, Envelope::Voided) => true,
            (State::Anulado, _) => declined,
            _ => false,
        }
    }

    /// Whether somebody who cannot be reached stops it.
    fn watch_signers(&mut self, at: OffsetDateTime) {
        let failed = self.step == Step::Waiting
            && self
                .signers
                .iter()
                .any(|signer| signer.state == SignerState::Failed);
        let known = self
            .problem
            .as_ref()
            .is_some_and(|problem| problem.code == SIGNER_FAILED);
        if failed && self.problem.is_none() {
            let detail = "a signer cannot be reached, or could not prove who they are";
            self.trouble(SIGNER_FAILED, detail, Tag::Permanent, at);
        } else if known && !failed {
            self.relieve(at);
        }
    }

    fn end(&mut self, state: State, role: Option<Role>, by: &str, at: OffsetDateTime) {
        self.relieve(at);
        let before = self.state;
        self.state = state;
        self.step = Step::Ended;
        self.tell_state(Some(before), role, by, at);
    }

    fn tell_state(&mut self, before: Option<State>, role: Option<Role>, by: &str, at: OffsetDateTime) {
        self.record(Happened::Moved {
            before,
            after: self.state,
            reason: self.reason.clone(),
            role,
            manual: self.manual,
            by: by.to_owned(),
            document: self.signed,
            at,
        });
    }

    fn record(&mut self, what: Happened) {
        self.version += 1;
        self.events.push(Recorded {
            version: self.version,
            what,
        });
    }
}
