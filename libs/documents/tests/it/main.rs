//! Documents of two tenants, recorded by the service itself and by people through gRPC.
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

mod asked;
mod recorded;
mod support;
