//! The business of messages to people. Pure: no I/O, no wire formats, no clock of its own.

pub(crate) mod consent;
pub(crate) mod money;
pub(crate) mod state;
pub(crate) mod text;
pub(crate) mod view;
