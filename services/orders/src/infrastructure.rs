//! The outside of orders: files, database, broker. Nothing here decides what happens to an order.

pub(crate) mod captured;
pub(crate) mod consumer;
pub(crate) mod directory;
pub(crate) mod documents;
mod failure;
pub(crate) mod grpc;
pub(crate) mod lookups;
pub(crate) mod memory;
pub(crate) mod queue;
pub(crate) mod sheets;
pub(crate) mod signed;
pub mod skills;
pub(crate) mod store;
pub(crate) mod upkeep;
pub(crate) mod wire;
pub(crate) mod worker;
