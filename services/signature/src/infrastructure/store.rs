//! The tables of this service.

pub(crate) mod cancelled;
pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod effect;
pub(crate) mod flat;
pub(crate) mod pending;
pub(crate) mod polling;
pub(crate) mod query;
pub(crate) mod row;
