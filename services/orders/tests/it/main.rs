//! The orders service on a real database and a real broker.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test that calls them"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests spawn what they stop themselves, and read the machine's clock"
)]

mod asking;
mod assets;
mod captures;
mod change_state;
mod commands;
mod conversations;
mod counted;
mod directory;
mod grpc;
mod isolation;
mod lists;
mod nit;
mod operations;
mod papers;
mod quotation;
mod sequence;
mod signature;
mod signing;
mod skills;
mod support;
mod trouble;
