//! The service on a real database and a real broker; only the provider is a stand-in.
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime, and its receipts bear today's date"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test"
)]

mod support;

mod assignments;
mod consent;
mod doubt;
mod isolation;
mod media;
mod operations;
mod orders;
mod papers;
mod queries;
mod receipts;
mod requests;
mod templates;
mod traces;
