//! The tables of this service.

pub(crate) mod change;
pub(crate) mod task;
pub(crate) mod watch;
