//! The service on a real database, a real broker, a real folder and real gRPC; only the engines of providers are stand-ins.
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime, and its turns bear today's date"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test"
)]

mod support;

mod commands;
mod contract;
mod crash;
mod engines;
mod flows;
mod hostile;
mod isolation;
mod load;
mod order;
mod queries;
mod texts;
