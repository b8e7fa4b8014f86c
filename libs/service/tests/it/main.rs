//! The life of a service from outside: configuration, tasks, schema, and the whole process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod config;
mod migrate;
mod process;
mod readers;
mod runtime;
mod serve;
