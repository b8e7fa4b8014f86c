//! Effects on a real database, against a provider that is scripted by the test.
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

mod crashes;
mod outcomes;
mod quotas;
mod support;
