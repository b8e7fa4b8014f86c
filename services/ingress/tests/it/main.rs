//! Ingress over real HTTP, on a real database and a real broker.
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
    reason = "tests tell the time and spawn freely: what they spawn ends with them"
)]

mod asking;
mod authenticity;
mod counted;
mod deliveries;
mod duplicates;
mod envelopes;
mod limits;
mod measure;
mod operations;
mod outages;
mod replay_crashes;
mod replays;
mod routing;
mod support;
mod tasks;
mod tenants;
mod traffic;
