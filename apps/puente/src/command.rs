//! One file per command.

pub(crate) mod config;
pub(crate) mod connections;
pub(crate) mod demo;
pub(crate) mod migrate;
pub(crate) mod run;
pub(crate) mod simulate;
pub(crate) mod skills;
pub(crate) mod tools;
pub(crate) mod up;
