//! Doing deliveries again, in the background, by whichever replica is free.
//!
//! # Protocol
//! A replay is a row of `replays`. A replica *claims* one that runs and whose lease ran out, and works through its
//! deliveries in the order of receipt, a part at a time ([`look`]): translate them anew, find the events of then,
//! compare. Events of then are published again with their ids; the stream and the inboxes know them. New happenings are
//! committed as intake would: duplicate key and outbox row, in one transaction with the progress of the replay.
//! After a crash the part that was under way is done again: what was published has the same message ids, what was
//! committed was committed with the cursor behind it. A replay that fails is tried again after the others had their turn.
//!
//! Must never do: publish or commit anything for a plan; touch another tenant's rows for a tenant's replay; take more
//! than one part, one connection and one small window of publishes at a time, since intake comes first.

mod fresh;
pub(crate) mod jobs;
pub(crate) mod look;
mod memory;
pub(crate) mod part;
#[cfg(test)]
mod tests;
mod total;
mod worker;

pub(crate) use worker::Worker;
