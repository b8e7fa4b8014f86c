//! Clients and orders in the database: one transaction holds the state, its journal and its events.

mod orders;
mod queries;
mod row;
mod turn;

pub use orders::PgOrders;
pub(crate) use orders::purge_commands;
pub(crate) use queries::PgQueries;
pub(crate) use turn::PgTurn;
