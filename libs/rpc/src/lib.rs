//! Calls between services: who asks and for which tenant travels with every call, signed, and is checked in one place.
//!
//! # Protocol
//! [`Calls`] puts a [`token`] into `authorization` of each call: scope, subject and role of the caller, the service it
//! is meant for, and an end within a minute; with it go a deadline and the trace. A [`Peer`] is such calls and where they
//! go. [`Guard`] is the interceptor that every service wears behind its [`Door`]: it answers UNAUTHENTICATED, or leaves a
//! [`Caller`] in the request's extensions. [`answer`] hands that caller to the handler, inside a span that continues the
//! trace.
//!
//! # Never
//! A handler takes the tenant from the message. A token, or the reason why one was refused, is told to the caller or
//! logged. A key is used that is shorter than 32 bytes.

mod answer;
pub mod asked;
mod caller;
mod client;
pub mod cursor;
mod door;
mod interceptor;
mod key;
mod peer;
pub mod token;

pub use answer::answer;
pub use caller::{Caller, Scope, ScopeError};
pub use client::Calls;
pub use door::{Door, DoorError};
pub use interceptor::Guard;
pub use key::{KeyError, RpcKeys};
pub use peer::{Peer, PeerError};
pub use token::{Denied, Unsignable};
