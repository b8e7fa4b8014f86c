//! The pages, one file each: ask, then render. No text stands here; all of it comes from `words`.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod conversations;
pub(crate) mod dead_letter;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod delivery;
pub(crate) mod effect;
pub(crate) mod effects;
pub(crate) mod health;
pub(crate) mod hops;
pub(crate) mod journey;
pub(crate) mod login;
pub(crate) mod new_replay;
pub(crate) mod nowhere;
pub(crate) mod order_actions;
pub(crate) mod order_facts;
pub(crate) mod orders;
pub(crate) mod overview;
pub(crate) mod overview_charts;
pub(crate) mod replays;
pub(crate) mod search;
