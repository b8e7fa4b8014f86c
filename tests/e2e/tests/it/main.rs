//! Stories across the fleet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests fail the test that calls them"
)]

mod chaos;
mod gateway;
mod message_to_order;
mod outages;
mod plates;
mod replicas;
mod secrecy;
mod signature;
mod strangers;
mod subscribers;
mod tasks;
mod tenants;
mod tracing;
mod vocabulary;
