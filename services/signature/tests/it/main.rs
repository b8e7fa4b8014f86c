//! The service on a real database, a real broker and a real folder; only the provider is a stand-in.
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime, and its reports bear today's date"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test"
)]

mod support;

mod cancelled;
mod commands;
mod crash;
mod notices;
mod polling;
mod queries;
mod reports;
mod requests;
mod storing;
mod traces;
mod trouble;
mod unclaimed;
