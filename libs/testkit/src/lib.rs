//! What tests stand on: real servers, faults on purpose, and waiting without sleeping.
//!
//! A dev-dependency only. [`TestDb`] is a database of one's own in a PostgreSQL that all test processes share;
//! [`TestNats`] is a private broker, to be killed at will; [`TestAzurite`] is a private store of objects;
//! [`Proxy`] cuts and slows any TCP connection; [`OtlpSink`] collects the spans a program exports;
//! [`reserve_port`] is for programs that are killed and started again; [`wait_for`] waits
//! for a condition and tells its last status. With the feature `service`, [`service::Ground`] is what a whole service runs
//! on in its tests. Everything here panics with what went wrong: that is how a test fails.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a dev-dependency: what fails here must fail the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tasks end with the test's runtime; there is nothing to drain"
)]

mod azurite;
mod binaries;
mod fault_proxy;
pub mod fixture;
mod nats;
mod otlp;
mod ports;
mod postgres;
#[cfg(feature = "service")]
pub mod service;
mod shared_server;
mod template;
mod wait;

pub use azurite::TestAzurite;
pub use binaries::{programs, tools, workspace};
pub use fault_proxy::Proxy;
pub use nats::TestNats;
pub use otlp::{OtlpSink, Span};
pub use ports::reserve_port;
pub use postgres::{Schema, TestDb, patient_sources};
pub use wait::{Attempt, wait_for};
