//! Stores, links and their faults, on a real folder and a real Azurite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests fail the test that calls them"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests call what they like: what they start ends with them"
)]

mod azurite;
mod behaviours;
mod folder;
mod identity;
mod links;
#[cfg(feature = "s3")]
mod s3;
mod settings;
mod support;
