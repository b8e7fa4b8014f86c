//! What `WebhookAuth` accepts and, above all, what it refuses.

#![expect(
    clippy::expect_used,
    reason = "helpers of tests: what fails in them is a failed test"
)]

mod combinations;
mod random;
mod refusals;
mod support;
mod vectors;
