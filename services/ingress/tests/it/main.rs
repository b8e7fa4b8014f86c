//! Ingress over real HTTP, on a real database and a real broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests fail the test that calls them"
)]

mod authenticity;
mod duplicates;
mod limits;
mod outages;
mod routing;
mod support;
