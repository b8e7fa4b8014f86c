//! Documents that people sign: made from an order, sent once, followed until they are stored or somebody refused.
//!
//! # Protocol
//! 1. `orders.signature.requested` makes a request with its three signers: `EnProceso`, step *preparing*. A repeated event
//!    is the same request.
//! 2. A worker sets the contract, stores it under a key that follows from the request's id, and in one transaction records
//!    it and queues the effect `envelopes.create`: step *sending*. Killed anywhere, it finds the same file again.
//! 3. The effect sends the envelope. Nobody knows whether it went through? Then it is looked for by the request's id, which
//!    travels as our reference; it is never sent blindly. Step *waiting*.
//! 4. Reports move signers and request forward: late, twice, in any order. An envelope that nobody reports on is asked for.
//! 5. All signed: step *storing*. A worker fetches signed documents and certificate, stores them, and only then is the
//!    request `Firmado`. A refusal is `Rechazado`, and those who had signed are told; a call-back is `Anulado`.
//! 6. What the provider cannot do, people can: the *manual* way ends with a scan of the signed paper, and is `Firmado` too.
//!
//! # Who is who
//! `domain` holds the request, its states and what it hears, free of I/O; `infrastructure` events, tables, workers and the
//! executor; `wiring` puts them together.
//!
//! # Never
//! A link to a file, or a file, in a table. A report reaches a request of another tenant. A state that goes back. A provider
//! called inside a transaction.

mod config;
mod domain;
mod infrastructure;
mod wiring;

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/signature");

pub use config::Config;
pub use infrastructure::access::{Access, AccessError, Account};
pub use wiring::{Parts, Signature};
