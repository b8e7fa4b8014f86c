//! The orders service.

pub mod application;
pub mod domain;
pub mod infrastructure;

pub use infrastructure::skills;
