//! Connections from the operator's hand to a service's memory, over a real broker and a real database.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod azure;
mod grants;
mod oauth;
mod publish;
mod reseal;
mod support;
mod watch;
