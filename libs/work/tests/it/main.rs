//! Behaviour of held work on a real database, with several replicas.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and has no runtime of a service"
)]

mod holds;
mod support;
