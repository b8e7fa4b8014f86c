//! One file per command.

pub(crate) mod config;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod dlq;
pub(crate) mod documents;
pub(crate) mod effects;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod ocr;
pub(crate) mod reconcile;
pub(crate) mod run;
pub(crate) mod simulate;
pub(crate) mod skills;
pub(crate) mod tools;
pub(crate) mod up;
pub(crate) mod vault;
