//! The conformance tests of every provider in the registry, and the tests of the simulators.
//!
//! A provider needs no code here: its slug, its `provider.toml` and its `fixtures/` drive everything.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

mod conformance;
mod registry;
mod robustness;
mod simulator;
mod support;
mod whatsapp_codes;
