//! Serial plates: photographed by a person, read by engines, confirmed, written or generated where they cannot be read.
//!
//! # Protocol
//! 1. `orders.capture.continued` brings the turns of a conversation. Each is kept under its capture and its number; a
//!    repeated event is the turn that is there, and a turn waits for the one before it.
//! 2. A worker holds a capture for a time and works what it has, step by step, each step in one transaction. A photograph is
//!    *counted* first, then *fetched* through notifications under a key that follows from capture and attempt, and recorded;
//!    then it is *read*. Killed anywhere, the next worker goes on at the step that was not committed: the attempt counts
//!    once, and the photograph stays.
//! 3. Reading asks the tenant's engines in their order, each within its time and budget, until one answers. What it found is
//!    weighed by the tenant's threshold: accepted, asked about, or another photograph is asked for with a hint.
//! 4. People decide what engines cannot: the person of the conversation in words, a reviewer by commands. The first end stays.
//! 5. Each change of state is an event, `ocr.capture.state_changed`, with all photographs; orders makes the asset of it.
//!
//! # Who is who
//! `domain` holds the capture, its words and its serials, free of I/O; `infrastructure` events, tables, worker and engines;
//! `wiring` puts them together.
//!
//! # Never
//! A reading below the threshold that is accepted by itself. A picture decoded on a thread of the async runtime. A serial, a
//! person's words or a phone number in a log. A call to an engine inside a transaction.

mod config;
mod domain;
mod infrastructure;
mod wiring;

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/ocr");

pub use config::{Config, TenantConfig};
pub use wiring::{Ocr, Parts};
