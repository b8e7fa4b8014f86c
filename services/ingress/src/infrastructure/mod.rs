//! HTTP in, Postgres out.

pub(crate) mod batch;
pub(crate) mod http;
pub(crate) mod limits;
pub(crate) mod retention;
