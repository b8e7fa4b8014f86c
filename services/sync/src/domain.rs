//! What a task of an order is, free of I/O.

pub(crate) mod change;
pub(crate) mod state;
