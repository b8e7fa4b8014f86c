//! The text engine: where lines are, and what they say.

pub(crate) mod crop;
pub(crate) mod ctc;
pub(crate) mod detect;
pub(crate) mod enhance;
pub(crate) mod outline;
pub(crate) mod plane;
pub(crate) mod recognise;
pub(crate) mod vote;
