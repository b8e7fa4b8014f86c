//! The tables. Every function works inside the caller's transaction and names the tenant of the event.
//!
//! Locks are taken in one order, so that receipts and settlements never wait for each other in a circle: the effect,
//! then the provider's id ([`identity::lock_provider_id`]), then the message.

pub(crate) mod contact;
pub(crate) mod identity;
pub(crate) mod message;
pub(crate) mod order;
pub(crate) mod query;
pub(crate) mod receipt;
pub(crate) mod template;
