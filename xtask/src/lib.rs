//! The kitchen behind the Makefile: `cargo xtask <command>`, one file per command.
//!
//! A library, so that its own tests and the command line run the same code. Nothing here is part of the product:
//! services and libraries must never depend on it.

pub mod asyncapi;
pub mod browser;
pub mod buf;
pub mod check_docs;
pub mod check_layers;
pub mod contract;
pub mod deny;
pub mod fuzz_api;
pub mod gen_docs;
pub mod new_provider;
pub mod secrets;
pub mod sqlx_prepare;
pub mod test;
pub mod tree;
