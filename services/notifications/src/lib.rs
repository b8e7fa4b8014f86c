//! Messages to people: asked for by events, sent once, followed by receipts.
//!
//! # Protocol
//! 1. An event asks for a message: `notifications.message.requested` from any service, or an order's own events, which
//!    are applied one after the other per order. The desk decides in which form it may go out, or why it may not:
//!    consent, the provider's session window, the template's approval and parameters, the text's variables. Message,
//!    timeline, event and effect are one transaction with the inbox mark; the same event never makes a second
//!    message of the same text.
//! 2. The effect `messages.send` calls the provider. Its outcome moves the message to `sent` or `failed`, or parks it
//!    for a person; nothing is sent again blindly.
//! 3. Receipts move it on. They may come in any order, twice, and before the answer of the call; states only rise.
//!
//! # Who is who
//! `domain` holds states, texts and consent; `application` the decisions, as pure functions; `infrastructure` events,
//! tables and the executor; `wiring` puts them together.
//!
//! # Never
//! A message body is stored outside its effect, or logged. A receipt touches a message of another tenant. A provider
//! is called inside a transaction, or before the decision said yes.

mod application;
mod config;
mod domain;
mod infrastructure;
mod wiring;

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/notifications");

pub use config::Config;
pub use infrastructure::resolve::resolve_doubt;
pub use wiring::{Notifications, Parts};
