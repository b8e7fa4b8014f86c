//! Clients and orders in the database: one transaction holds the state, its journal and its events.

mod journal;
mod orders;
mod papers;
mod people;
mod price;
mod queries;
mod row;
pub(crate) mod signature;
mod turn;

pub use orders::PgOrders;
pub(crate) use orders::purge_commands;
pub(crate) use papers::{Things, warn};
pub(crate) use queries::PgQueries;
pub(crate) use signature::Cause;
pub(crate) use turn::PgTurn;
