//! The road: typed events over NATS JetStream.
//!
//! **Protocol.** Postgres is the truth, JetStream only carries. An event is published by the outbox relay of the
//! service that committed it (`puente-outbox`), never from elsewhere, with its id as `Nats-Msg-Id`. A service consumes
//! through a durable pull consumer declared as data in [`topology`]; [`consume`] hands batches to a [`BatchHandler`]
//! and acknowledges only what the handler says is committed. A wiped broker is made again by [`declare`], and the
//! relays publish again from their outboxes; inboxes swallow what was done.

mod consume;
mod envelope;
mod stream;
pub mod topology;

pub use consume::{BatchHandler, Disposition, Received, consume};
pub use envelope::{Envelope, EnvelopeError, header};
pub use stream::{BusError, Declared, StreamSettings, declare};
