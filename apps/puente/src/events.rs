//! Events as an internal team meets them: found by subject, read from the broker by any user of it, decoded and shown.
//!
//! [`pattern`] turns what is asked for into one filter; [`broker`] connects; [`feed`] is an ordered, ephemeral reading
//! of the stream that goes on over restarts; [`shown`] decodes and masks; [`catalogue`] tells what there is.
//!
//! # Never
//! Anything is written to the stream, or left behind in the broker.

pub(crate) mod broker;
pub(crate) mod catalogue;
pub(crate) mod feed;
pub(crate) mod pattern;
pub(crate) mod shown;
