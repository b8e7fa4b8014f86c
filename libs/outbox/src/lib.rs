//! State and events in one commit, published once they are on disk, handled once where they arrive.
//!
//! # Dramatis personae
//! * [`Outbox`]: one per service replica. It owns a *slot* (a row of `relay_slots`); every outbox row names the slot
//!   of the replica that wrote it.
//! * [`Tx`]: a transaction that collects events. [`Tx::commit`] writes them beside the state and hands them, in
//!   memory, to the relay. [`Ticket`] is the same for a caller with a statement of its own (ingress).
//! * The *relay* ([`Outbox::run`]): publishes what was handed over, many at a time, and writes one cursor per slot.
//!   Everything up to the cursor is published; what lies beyond may be published again, with the same ids.
//! * *Housekeeping*: drains the tail of slots whose owner died, publishes everything again to a broker with a new
//!   disk, and the lost end of the stream to one that was started anew on its old disk; makes the days ahead and drops old ones.
//! * [`reconcile()`]: what an operator runs when the stream lost messages that the outboxes hold.
//! * [`Republisher`]: publishes events again that an operator wants repeated; [`stored`] reads them back.
//! * [`Redeliver`]: a person has a dead letter handled again, by the same inbox.
//! * [`Inbox`]: marks events as handled in the transaction of their effect, so that a repeated one changes nothing.
//!
//! # Why nothing is lost
//! A transaction's sequence numbers are higher than any number known when its ticket was opened. The cursor never
//! passes an open ticket, so it never passes a row that is not yet visible. A commit whose answer was lost leaves its
//! ticket *doubtful*: it is waited until that transaction has surely ended, then the relay reads the table from there.
//! When the memory queue is full (broker down), rows are left to the table and read back later.
//!
//! A slot row is locked `FOR KEY SHARE` by every transaction that writes with it, and `FOR UPDATE` by whoever drains
//! it, which therefore sees the complete tail. A drained slot is deleted; its owner, should it only have been asleep,
//! takes a new slot with its next commit or its next cursor, whichever comes first.

mod days;
mod doubts;
mod drain;
mod event;
mod follow;
mod gauges;
mod inbox;
mod keep;
mod late;
mod outbox;
mod passing;
mod reconcile;
mod redeliver;
mod relay;
mod republish;
mod restart;
pub mod stored;
mod table;
mod tracker;
mod tries;

/// The tables that every service's schema holds: those of this crate, and those of `puente-effects` and
/// `puente-vault`, which live in the same schemas.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/common");

pub use event::{Committed, NewEvent};
pub use follow::next_version;
pub use inbox::{ApplyError, EventHandler, Inbox, handled};
pub use keep::{KeepDays, TooFew};
pub use outbox::{Outbox, OutboxError, Settings, Tx};
pub use passing::is_passing;
pub use reconcile::{ReconcileError, Reconciled, Scope, Source, Step, reconcile};
pub use redeliver::{Redeliver, Redelivered};
pub use republish::{NotConfirmed, Republisher};
pub use tracker::Ticket;
