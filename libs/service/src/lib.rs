//! What turns a crate into a running service: the [`Service`] trait, its [`Runtime`], layered configuration,
//! the database pool, the broker connection, health and metrics, and an orderly end.
//!
//! What every service that works on events has alike is a [`Base`], which becomes [`Running`]; one that calls providers has
//! an [`Outside`] as well. So a service's own wiring is the list of its own parts.
//!
//! The same implementation serves the binary of one service ([`main`]) and the process that runs the whole
//! fleet, so nothing here may live in a `static`: two services of one process stop independently.
//! This room knows no service by name.

pub mod admin;
mod base;
pub mod config;
pub mod db;
mod main_fn;
pub mod migrate;
pub mod nats;
pub mod outside;
pub mod peer;
mod readers;
mod readiness;
mod running;
mod runtime;
pub mod serve;
mod service;
mod supervise;
mod threads;
pub mod upkeep;
mod workers;

pub use base::{Base, BaseConfig};
pub use config::{
    AdminConfig, ConfigError, DatabaseConfig, Loaded, NatsConfig, Overrides, ShutdownConfig, Sources,
};
pub use main_fn::{main, main_with, start_crypto};
pub use outside::Outside;
pub use readers::Readers;
pub use readiness::{CheckReport, Readiness, Report};
pub use running::Running;
pub use runtime::{Runtime, StillRunning};
pub use service::{BoxError, RunError, Service, StartError};
pub use supervise::Failure;
pub use threads::executor;
pub use workers::Workers;

/// The allocator of every program of the fleet. Events are allocated on one thread and freed on another. That costs the one
/// of glibc a fifth of the time of intake; this one keeps what is freed for the thread that freed it, which takes it again
/// while it is still in the processor's cache.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
