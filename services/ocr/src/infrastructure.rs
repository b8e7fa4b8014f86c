//! Everything that touches the world: events in and out, tables, files, engines.

pub(crate) mod desk;
pub(crate) mod documents;
pub(crate) mod engines;
pub(crate) mod grpc;
pub(crate) mod handler;
pub(crate) mod media;
pub(crate) mod reading;
pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod store;
pub(crate) mod upkeep;
pub(crate) mod wire;
pub(crate) mod work;
