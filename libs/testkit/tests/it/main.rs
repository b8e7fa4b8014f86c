//! The test kit tested: faults must be what they claim to be, or the tests built on them prove nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod broker;
mod database;
mod proxy;
mod traces;
