//! What every route has: its line in the table of rights, its guard, its limits, its headers, its errors.

pub(crate) mod form_data;
pub(crate) mod guard;
pub(crate) mod headers;
pub(crate) mod idempotency;
pub(crate) mod places;
pub(crate) mod problem;
pub(crate) mod routes;
pub(crate) mod trace;

pub(crate) use problem::Problem;
pub(crate) use routes::{Access, Face, Routes};
