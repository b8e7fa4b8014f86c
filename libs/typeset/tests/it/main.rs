//! Documents, judged by readers that did not write them: text by lopdf, pixels by hayro.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test that calls them"
)]

mod contract;
mod hostile;
mod look;
mod reading;
mod sample;
mod sheet;
mod summary;
mod templates;
