//! What an order is, how a conversation leads to one, and what may happen to it.
//!
//! Pure: std, `puente-types` and `thiserror` only. Nothing here knows a database, a broker, a file format or the time;
//! what depends on them arrives as a value. Spanish appears only as the names of states, which people see.

pub mod asset;
pub mod capture;
pub mod client;
pub mod company;
pub mod conversation;
pub mod directory;
pub mod engine;
pub mod error;
pub mod event;
pub mod number;
pub mod order;
pub mod papers;
pub mod ports;
pub mod queries;
pub mod quotation;
pub mod signing;
pub mod skill;
pub mod state;
pub mod view;
pub mod words;
