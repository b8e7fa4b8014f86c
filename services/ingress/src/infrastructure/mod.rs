//! HTTP in, Postgres out.

pub(crate) mod batch;
pub(crate) mod deliveries;
pub(crate) mod directory;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod latency;
pub(crate) mod limits;
pub(crate) mod replays;
pub(crate) mod retention;
pub(crate) mod traffic;
