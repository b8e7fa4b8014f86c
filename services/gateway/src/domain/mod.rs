//! Who may do what. No I/O.

pub mod documents;
mod principal;
mod role;

pub use principal::{Principal, Who};
pub use role::{Right, Role, UnknownRole, may};
