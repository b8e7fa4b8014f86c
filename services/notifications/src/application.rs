//! The decisions, one file each; pure functions over what the infrastructure has read.

pub(crate) mod buckets;
pub(crate) mod decide;
pub(crate) mod paper;
pub(crate) mod price;
