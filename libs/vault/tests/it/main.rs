//! Connections from the operator's hand to a service's memory, over a real broker and a real database.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod publish;
mod support;
mod watch;
