//! The outbox and the inbox on a real database and a real broker.
#![expect(clippy::disallowed_methods, reason = "tests spawn freely: what they spawn ends with them")]

mod inbox;
mod relay;
mod support;
