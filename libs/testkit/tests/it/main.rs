//! The test kit tested: faults must be what they claim to be, or the tests built on them prove nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod broker;
mod database;
mod proxy;
mod traces;

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
