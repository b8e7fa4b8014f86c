//! The tables of this service.

pub(crate) mod attempt;
pub(crate) mod budget;
pub(crate) mod cache;
pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod flat;
pub(crate) mod journal;
pub(crate) mod query;
pub(crate) mod row;
pub(crate) mod sample;
pub(crate) mod serials;
pub(crate) mod turn;
