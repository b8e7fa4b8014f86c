//! The outbox and the inbox on a real database and a real broker.
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

mod away;
mod days;
mod doubts;
mod inbox;
mod leaving;
mod newer;
mod reconcile;
mod refill;
mod relay;
mod restart;
mod support;
