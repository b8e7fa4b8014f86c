//! Clients and orders in the database: one transaction holds the state, its journal and its events.

mod answered;
pub(crate) mod asset;
pub(crate) mod capture;
mod company;
mod journal;
mod lookup;
mod orders;
mod papers;
mod people;
mod price;
mod queries;
mod row;
pub(crate) mod sheet;
pub(crate) mod signature;
mod turn;
mod write_asset;

pub(crate) use answered::keep;
pub(crate) use company::settle;
pub(crate) use lookup::{Due, Lookup, Patience, claim, purge_lookups, wake};
pub use orders::PgOrders;
pub(crate) use orders::purge_commands;
pub(crate) use papers::{Things, warn};
pub(crate) use queries::PgQueries;
pub(crate) use signature::Cause;
pub(crate) use turn::PgTurn;
pub(crate) use write_asset::{NotWritten, purge_asset_commands};
