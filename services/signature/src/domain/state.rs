//! The states that people see, and the steps that say what is being done.

use std::str::FromStr;

/// A word that is no state, step or role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not known")]
pub(crate) struct UnknownWord(pub(crate) String);

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Somebody has still to sign.
    EnProceso,
    /// All have signed, and what they signed is stored.
    Firmado,
    /// Somebody refused.
    Rechazado,
    /// Called back, or run out.
    Anulado,
}

/// What is being done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The contract is being made.
    Preparing,
    /// The envelope is being sent.
    Sending,
    /// The signers have it.
    Waiting,
    /// All have signed: the documents are being fetched.
    Storing,
    /// On paper: the scan is awaited.
    Manual,
    /// Nothing more.
    Ended,
}

impl State {
    /// As stored, and as events and callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::EnProceso => "EnProceso",
            Self::Firmado => "Firmado",
            Self::Rechazado => "Rechazado",
            Self::Anulado => "Anulado",
        }
    }

    /// How people read it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::EnProceso => "En proceso",
            Self::Firmado => "Firmado",
            Self::Rechazado => "Rechazado",
            Self::Anulado => "Anulado",
        }
    }

    /// What stands beside the words.
    pub(crate) const fn colour(self) -> &'static str {
        match self {
            Self::EnProceso => "blue",
            Self::Firmado => "green",
            Self::Rechazado => "red",
            Self::Anulado => "grey",
        }
    }
}

impl Step {
    /// As stored, and as callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Storing => "storing",
            Self::Manual => "manual",
            Self::Ended => "ended",
        }
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::EnProceso, Self::Firmado, Self::Rechazado, Self::Anulado]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

impl FromStr for Step {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [
            Self::Preparing,
            Self::Sending,
            Self::Waiting,
            Self::Storing,
            Self::Manual,
            Self::Ended,
        ]
        .into_iter()
        .find(|step| step.as_str() == word)
        .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}
