//! What happened, in our own words; `infrastructure::wire` turns it into the published messages.

use std::collections::BTreeMap;

use puente_types::Phone;

use crate::domain::order::{Assignment, Reach, Snapshot};
use crate::domain::state::{State, Transition};

/// One event of an order: the order after it, and what it was. The order's version is the event's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The order after the event.
    pub order: Snapshot,
    /// What happened.
    pub fact: Fact,
}

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It was asked for.
    Opened,
    /// Other people work on it now.
    Assigned {
        /// Who did before.
        before: Assignment,
    },
    /// Its client was checked in the ERP, or this was given up: the order's `check` says what came of it.
    ClientChecked,
    /// It moved to another state.
    Moved {
        /// The state before.
        before: State,
        /// The state after.
        after: State,
        /// What moved it.
        transition: Transition,
        /// Why; empty where no reason is asked for.
        reason: String,
    },
}

/// A message to a person that notifications is asked for: the key of a text and the values of its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who it goes to.
    pub to: Reach,
    /// The person's number, where known.
    pub phone: Option<Phone>,
    /// The text's key.
    pub template: String,
    /// The values of its variables.
    pub variables: BTreeMap<String, String>,
    /// What it is about: the conversation's or the order's id.
    pub about: String,
}
