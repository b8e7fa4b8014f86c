//! The outside of orders: files, database, broker. Nothing here decides what happens to an order.

pub mod skills;
