//! Everything that touches the world: events in and out, tables, providers.

pub(crate) mod choose;
pub(crate) mod desk;
pub(crate) mod executor;
pub(crate) mod grpc;
pub(crate) mod handler;
pub(crate) mod orders;
pub(crate) mod outcome;
pub(crate) mod resolve;
pub(crate) mod store;
pub(crate) mod wire;
pub(crate) mod words;
