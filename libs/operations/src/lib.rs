//! A service's own work, asked about and put right: one gRPC service that every service serves over its own tables.
//!
//! # Protocol
//! 1. A service makes [`Operations`] with its [`Readers`](puente_service::Readers), hands over its inbox
//!    ([`Operations::redelivers`]), its effects ([`Operations::resolves`]) and its breakers
//!    ([`Operations::with_breakers_of`]) where it has them, and serves [`Operations::server`] behind its
//!    [`Door`](puente_rpc::Door).
//! 2. A question is answered from one read-only transaction. For a tenant it is begun as `<service>_api` with
//!    `puente.tenant` set, so that row policies hide every other tenant; for the installation as the worker.
//! 3. A command is carried out inside the service, where the tables and the handlers are, in one transaction, and is
//!    answered with what came of it. It is limited to rows of the caller's scope, and leaves who decided.
//!    * *Retry* hands a dead letter to the same inbox that gave it up: mark, state, events and the letter's end are one
//!      commit. A letter whose event was handled meanwhile ends as handled. One that fails again stays where it was in
//!      the list, with its new reason.
//!    * *Close* leaves the event unhandled for good: it is marked in the inbox, too, so that no later delivery of it is
//!      worked.
//!    * *Resolve* is the service's own: its message or document moves with the effect.
//!
//! # Lists
//! Pages are bounded and follow a key that never changes: dead letters the moment they were given up, effects their id,
//! which sorts by the time of asking and goes with them into the history. So nothing is shown twice or left out while
//! new rows come and effects end. Cursors are opaque, and begin with the version of their form.
//!
//! # Figures
//! [`health`] counts what ended within a window by an index on the time, what waits, and tokens in use. The breaker is
//! that of the replica that answers.
//!
//! # Never
//! A message body, a phone number or a name leaves with an effect: [`mask`] keeps the form of a payload and hides its
//! values. A tenant's caller learns that another tenant's row exists. A payload is written into a reason or the log.

mod cursor;
mod effects;
mod events;
mod failure;
pub mod health;
mod letters;
pub mod mask;
pub mod refusal;
mod resolve;
mod service;

pub use health::Breaker;
pub use resolve::ResolveEffect;
pub use service::Operations;
