//! The capture: from the first photograph to a serial, or to its end without one.
//!
//! Each change of state raises the version by one and leaves a [`Moved`] with that version. Photographs are counted when
//! they are taken on, before anything is fetched or read: whatever happens then, each counts once.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::domain::reading::{Flaw, Outcome};
use crate::domain::say::Say;
use crate::domain::serial::Serial;
use crate::domain::state::{Action, Origin, State};
use crate::domain::words::Said;

/// Who decided, when it was the person of the conversation.
pub(crate) const CONTACT: &str = "contact";

/// A capture as it stands, with what happened to it since it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) state: State,
    /// 0 before its first turn.
    pub(crate) version: i64,
    /// Photographs that were taken on.
    pub(crate) attempt: u32,
    pub(crate) allowed: u32,
    /// In thousandths: a reading below it is never accepted by itself.
    pub(crate) threshold: u32,
    /// Empty while there is none, and when a person said that the one read is wrong.
    pub(crate) serial: String,
    /// Of the last reading, in thousandths; 0 when it found nothing.
    pub(crate) permille: u32,
    pub(crate) origin: Option<Origin>,
    pub(crate) by: String,
    pub(crate) engine: String,
    pub(crate) facts: BTreeMap<String, String>,
    /// What happened to it, to be published.
    pub(crate) moved: Vec<Moved>,
}

/// One change of state, with what was known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) before: Option<State>,
    pub(crate) after: State,
    pub(crate) version: i64,
    pub(crate) attempt: u32,
    pub(crate) allowed: u32,
    pub(crate) serial: String,
    pub(crate) permille: u32,
    pub(crate) origin: Option<Origin>,
    pub(crate) by: String,
    pub(crate) engine: String,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) at: OffsetDateTime,
}

/// A command that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the capture is {}: it cannot be done now", .0.as_str())]
pub(crate) struct Refused(pub(crate) State);

/// What follows from a person's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// This is said; nothing for `None`.
    Say(Option<Say>),
    /// An id is to be generated: [`Capture::generate`].
    Generate,
}

impl Capture {
    /// One of which nothing happened yet.
    pub(crate) const fn new(allowed: u32, threshold: u32) -> Self {
        Self {
            state: State::Leyendo,
            version: 0,
            attempt: 0,
            allowed,
            threshold,
            serial: String::new(),
            permille: 0,
            origin: None,
            by: String::new(),
            engine: String::new(),
            facts: BTreeMap::new(),
            moved: Vec::new(),
        }
    }

    /// Its first state, if nothing happened before.
    pub(crate) fn begin(&mut self, at: OffsetDateTime) {
        if self.version == 0 {
            self.record(None, at);
        }
    }

    /// A person of the conversation sent a photograph: the attempt that it is, or what is said instead.
    pub(crate) fn photo(&mut self, at: OffsetDateTime) -> Result<u32, Option<Say>> {
        self.begin(at);
        if self.state.is_end() {
            return Err(None);
        }
        if self.attempt >= self.allowed {
            return Err(Some(Say::NoMorePhotos));
        }
        Ok(self.take(at))
    }

    /// Somebody brought a photograph from outside of the conversation.
    ///
    /// # Errors
    /// When none is read now.
    pub(crate) fn recognize(&mut self, at: OffsetDateTime) -> Result<u32, Refused> {
        let first = self.version == 0;
        self.begin(at);
        if !first {
            self.may(Action::Recognize)?;
        }
        Ok(self.take(at))
    }

    /// Counts a photograph, before it is fetched.
    fn take(&mut self, at: OffsetDateTime) -> u32 {
        self.attempt += 1;
        self.serial.clear();
        self.permille = 0;
        self.engine.clear();
        self.facts.clear();
        if self.state != State::Leyendo {
            self.go(State::Leyendo, at);
        }
        self.attempt
    }

    /// A photograph was read, or was not: what is said about it. A capture that was decided meanwhile stays as it is.
    pub(crate) fn read(&mut self, attempt: u32, outcome: Outcome, at: OffsetDateTime) -> Option<Say> {
        if self.state != State::Leyendo || attempt != self.attempt {
            return None;
        }
        let (attempt, allowed) = (self.attempt, self.allowed);
        match outcome {
            Outcome::Read {
                likely: Some(likely),
                facts,
                engine,
                ..
            } => {
                self.serial = likely.serial.into_string();
                self.permille = likely.permille;
                self.engine = engine;
                self.facts = facts;
                let serial = self.serial.clone();
                if self.permille >= self.threshold {
                    self.origin = Some(Origin::Read);
                    self.go(State::Leido, at);
                    let permille = self.permille;
                    return Some(Say::Read { serial, permille });
                }
                self.go(State::PorConfirmar, at);
                let photo_left = attempt < allowed;
                Some(Say::Confirm { serial, photo_left })
            }
            Outcome::Read {
                likely: None,
                facts,
                flaws,
                engine,
            } => {
                self.engine = engine;
                self.facts = facts;
                let flaw = flaws.first().copied();
                Some(self.again(
                    Say::Retry {
                        flaw,
                        attempt,
                        allowed,
                    },
                    at,
                ))
            }
            Outcome::Unusable => Some(self.again(Say::Unusable { attempt, allowed }, at)),
            Outcome::Failed => Some(self.again(Say::Unavailable, at)),
        }
    }

    /// Another photograph, as long as one may be read; then the serial is to be written.
    fn again(&mut self, say: Say, at: OffsetDateTime) -> Say {
        if self.attempt < self.allowed {
            self.go(State::OtraFoto, at);
            return say;
        }
        self.go(State::Ilegible, at);
        let allowed = self.allowed;
        Say::Illegible { allowed }
    }

    /// The person of the conversation wrote something.
    pub(crate) fn words(&mut self, said: Said, at: OffsetDateTime) -> Next {
        self.begin(at);
        if self.state.is_end() {
            return Next::Say(None);
        }
        let say = match said {
            Said::Illegible => return Next::Generate,
            Said::Serial(serial) => self.written(serial, CONTACT, at),
            Said::NoSerial(_) => Say::NoSerial,
            Said::Yes if self.state == State::PorConfirmar => {
                self.confirmed(CONTACT, at);
                let serial = self.serial.clone();
                Say::Written { serial }
            }
            Said::No if self.state == State::PorConfirmar => self.denied(at),
            Said::Yes | Said::No | Said::Other => self.not_understood(at),
        };
        Next::Say(Some(say))
    }

    fn not_understood(&mut self, at: OffsetDateTime) -> Say {
        match self.state {
            State::PorConfirmar => Say::ConfirmAgain {
                serial: self.serial.clone(),
            },
            State::Ilegible => Say::IllegibleAgain,
            State::Leyendo => {
                self.go(State::OtraFoto, at);
                Say::SendPhoto
            }
            State::OtraFoto | State::Leido | State::EscritoAMano | State::Generado | State::Abandonado => {
                Say::SendPhoto
            }
        }
    }

    fn confirmed(&mut self, by: &str, at: OffsetDateTime) {
        self.origin = Some(Origin::Confirmed);
        by.clone_into(&mut self.by);
        self.go(State::Leido, at);
    }

    /// What was read is wrong. That something was read stays known by its confidence.
    fn denied(&mut self, at: OffsetDateTime) -> Say {
        self.serial.clear();
        let photo_left = self.attempt < self.allowed;
        self.go(
            if photo_left {
                State::OtraFoto
            } else {
                State::Ilegible
            },
            at,
        );
        Say::Denied { photo_left }
    }

    fn written(&mut self, serial: Serial, by: &str, at: OffsetDateTime) -> Say {
        // Confirmed in other words: the reading was right.
        let same = self.state == State::PorConfirmar && self.serial == serial.as_str();
        self.serial = serial.into_string();
        if same {
            self.confirmed(by, at);
        } else {
            let read = self.permille > 0;
            self.origin = Some(if read { Origin::Corrected } else { Origin::Manual });
            by.clone_into(&mut self.by);
            self.go(if read { State::Leido } else { State::EscritoAMano }, at);
        }
        Say::Written {
            serial: self.serial.clone(),
        }
    }

    /// Nobody goes on with it.
    pub(crate) fn abandon(&mut self, at: OffsetDateTime) {
        self.begin(at);
        if !self.state.is_end() {
            self.go(State::Abandonado, at);
        }
    }

    /// The serial that was read is right.
    ///
    /// # Errors
    /// When there is none to confirm.
    pub(crate) fn confirm(&mut self, by: &str, at: OffsetDateTime) -> Result<Say, Refused> {
        self.may(Action::Confirm)?;
        self.confirmed(by, at);
        Ok(Say::Written {
            serial: self.serial.clone(),
        })
    }

    /// The serial is this one.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn write(&mut self, serial: Serial, by: &str, at: OffsetDateTime) -> Result<Say, Refused> {
        self.may(Action::Write)?;
        Ok(self.written(serial, by, at))
    }

    /// Another photograph is wanted; one more is allowed if none is left.
    ///
    /// # Errors
    /// When one is being read, or it has ended.
    pub(crate) fn ask_photo(
        &mut self,
        flaw: Option<Flaw>,
        by: &str,
        at: OffsetDateTime,
    ) -> Result<Say, Refused> {
        self.may(Action::AskPhoto)?;
        let attempt = self.attempt;
        self.allowed = self.allowed.max(attempt.saturating_add(1));
        if self.state != State::OtraFoto {
            self.serial.clear();
            by.clone_into(&mut self.by);
            self.go(State::OtraFoto, at);
            self.by.clear();
        }
        let allowed = self.allowed;
        Ok(Say::Retry {
            flaw,
            attempt,
            allowed,
        })
    }

    /// Takes a generated id.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn generate(&mut self, id: String, by: &str, at: OffsetDateTime) -> Result<Say, Refused> {
        self.may(Action::Generate)?;
        self.serial = id;
        self.origin = Some(Origin::Generated);
        by.clone_into(&mut self.by);
        self.go(State::Generado, at);
        Ok(Say::Generated {
            serial: self.serial.clone(),
        })
    }

    /// What may be done now.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let all = Action::ALL.into_iter();
        all.filter(|action| self.may(*action).is_ok()).collect()
    }

    /// Whether it may be done now.
    ///
    /// # Errors
    /// The state that does not allow it.
    pub(crate) const fn may(&self, action: Action) -> Result<(), Refused> {
        let waits = matches!(
            self.state,
            State::PorConfirmar | State::OtraFoto | State::Ilegible
        );
        let allowed = match action {
            Action::Confirm => matches!(self.state, State::PorConfirmar),
            Action::Write | Action::Generate => !self.state.is_end(),
            Action::AskPhoto => waits,
            Action::Recognize => waits && self.attempt < self.allowed,
        };
        if allowed { Ok(()) } else { Err(Refused(self.state)) }
    }

    fn go(&mut self, after: State, at: OffsetDateTime) {
        debug_assert!(self.state.may_become(after), "{:?} -> {after:?}", self.state);
        let before = self.state;
        self.state = after;
        self.record(Some(before), at);
    }

    fn record(&mut self, before: Option<State>, at: OffsetDateTime) {
        self.version += 1;
        self.moved.push(Moved {
            before,
            after: self.state,
            version: self.version,
            attempt: self.attempt,
            allowed: self.allowed,
            serial: self.serial.clone(),
            permille: self.permille,
            origin: self.origin,
            by: self.by.clone(),
            engine: self.engine.clone(),
            facts: self.facts.clone(),
            at,
        });
    }
}
