//! Tokens, the guard that checks them, and what a call carries.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

mod calls;
mod guard;
mod keys;
mod support;
mod tokens;
