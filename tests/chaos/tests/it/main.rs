//! Destruction in small, so that every change meets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail the test that calls them"
)]

mod kills;
mod power;
mod shim;
