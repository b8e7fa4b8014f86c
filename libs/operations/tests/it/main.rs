//! Operations over real gRPC and a real database, of a service with one table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests fail the test that calls them"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests spawn freely: what they spawn ends with them"
)]

mod effects;
mod events;
mod guard;
mod health;
mod letters;
mod resolve;
mod retry;
mod support;
