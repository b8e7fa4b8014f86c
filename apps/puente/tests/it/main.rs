//! The command line as people and scripts meet it: the real binary, its exit codes and its lines.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are outside of test functions"
)]

mod asking;
mod command;
mod configuration;
mod events;
mod fleet;
mod help;
mod reconcile;
mod tools;
mod vault;
mod whole;
