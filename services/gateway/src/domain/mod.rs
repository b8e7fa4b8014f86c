//! Who may do what. No I/O.

mod principal;
mod role;

pub use principal::{Principal, Who};
pub use role::{Right, Role, UnknownRole, may};
