//! The client against a real server on this machine.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "support code of tests: what fails in it is a failed test, and their servers end with the test"
)]

mod audit;
mod breaker;
mod calls;
mod faults;
mod guards;
mod support;
mod tls;
