//! Everything that touches the world: events in and out, tables, files, providers.

pub(crate) mod assigned;
pub(crate) mod desk;
pub(crate) mod executor;
pub(crate) mod followed;
pub(crate) mod grpc;
pub(crate) mod handler;
pub(crate) mod media;
pub(crate) mod patience;
pub(crate) mod reach;
pub(crate) mod receipts;
pub(crate) mod resolve;
pub(crate) mod store;
pub(crate) mod templates;
pub(crate) mod texts;
pub(crate) mod upkeep;
pub(crate) mod wire;
