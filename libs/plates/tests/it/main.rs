//! The crate from outside: hostile files, and the plates of `tests/fixtures`, drawn for this project.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod export;
mod files;
mod fixtures;
mod hostile;
