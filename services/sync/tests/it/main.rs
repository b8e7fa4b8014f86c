//! The service on a real database and a real broker; task manager and orders are stand-ins.
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime, and its events bear today's date"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test"
)]

mod support;

mod commands;
mod doubt;
mod following;
mod order;
mod refusals;
mod traces;
