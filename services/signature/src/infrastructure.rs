//! Everything that touches the world: events in and out, tables, files, providers.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod calls;
pub(crate) mod cancelled;
pub(crate) mod choose;
pub(crate) mod desk;
pub(crate) mod documents;
pub(crate) mod executor;
pub(crate) mod files;
pub(crate) mod grpc;
pub(crate) mod handler;
pub(crate) mod notices;
pub(crate) mod poller;
pub(crate) mod preparer;
pub(crate) mod reports;
pub(crate) mod resolve;
pub(crate) mod store;
pub(crate) mod storer;
pub(crate) mod texts;
pub(crate) mod upkeep;
pub(crate) mod wanted;
pub(crate) mod wire;
pub(crate) mod work;
