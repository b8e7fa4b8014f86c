//! Answers put together from several services, for the REST interface and the console alike. No HTTP types here.

pub(crate) mod documents;
pub(crate) mod failure;
pub(crate) mod fanout;
pub(crate) mod journey;
pub(crate) mod orders;
pub(crate) mod overview;
pub(crate) mod plates;
pub(crate) mod questions;
pub(crate) mod reflect;
pub(crate) mod search;
mod search_plates;
pub(crate) mod signatures;
pub(crate) mod summary;
pub(crate) mod tasks;
