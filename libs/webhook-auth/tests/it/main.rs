//! What `WebhookAuth` accepts and, above all, what it refuses.

#![expect(
    clippy::expect_used,
    reason = "support code of tests: what fails in it is a failed test"
)]

mod combinations;
mod numbered;
mod random;
mod refusals;
mod support;
mod vectors;
