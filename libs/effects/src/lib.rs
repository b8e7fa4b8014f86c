//! Calls that change something at a provider: once, or the doubt is shown.
//!
//! # Protocol
//! 1. A use case [`enqueue`]s an effect in the transaction of its state. The key makes it unique.
//! 2. The [`Effects`] runner of any replica *claims* due effects of a connection, as many as the connection's quota
//!    grants and its breaker lets through, and *journals* them as `calling`, in one transaction.
//! 3. It *calls* the provider, with a deadline shorter than the lease.
//! 4. It *settles* in one transaction: done, again later, failed, or unknown; the service's own state and events are
//!    part of that transaction ([`EffectExecutor::settled`]).
//!
//! A lease that ran out while `calling` means that nobody knows whether the provider acted. The operation's
//! [`puente_ports::Recovery`] decides: repeat with the same key, look up, or park for a person. Nothing is repeated
//! blindly; without its connection, whatever is in doubt is parked. A settlement that comes late still counts as long as no newer attempt was begun.
//!
//! Quotas are exact over all replicas: see [`quota`].

mod claim;
mod effect;
pub mod quota;
mod resolve;
mod runner;
mod settle;

pub use effect::{Effect, EffectExecutor, Enqueued, NewEffect, Outcome, Priority, enqueue};
pub use resolve::{Parked, Resolution, hold_by_key, lock_parked, parked, resolve, settle_by_key};
pub use runner::{Effects, Settings, Wake};
