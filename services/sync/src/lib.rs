//! Orders as tasks in a task manager: created once, kept in step with their order, completed with it.
//!
//! # Protocol
//! 1. An order's events are applied one after the other. `orders.order.opened` makes a task, for tenants with a connection
//!    that keeps tasks, and queues the effect `tasks.create`. Our reference, the task's id here, travels with it.
//! 2. What happens to the order then becomes a change of the task, kept under the order's version: somebody else is
//!    assigned, it comes to another state, it ends. The lowest of them becomes the effect `tasks.change` when the task
//!    exists and no other change of it is under way; settling it queues the next. So changes of a task never overtake each
//!    other, whatever fails meanwhile, and each event is one call.
//! 3. What the provider refuses for good is shown with the task and left behind, so that a refused assignee does not keep
//!    the completion away. What passes by itself, or when a person mends the connection, is tried again, less and less
//!    often. Nobody knows whether a task was created? Then it is looked for by our reference, or waits for a person.
//! 4. Each change that the provider made is an event, `sync.task.changed`.
//! 5. An order without a task, because its connection came later or its creation was refused, gets one by command: from the
//!    order as orders tells it then. Events that are part of that are not applied again.
//!
//! # Who is who
//! `domain` holds states and kinds, free of I/O; `infrastructure` events, tables and the executor; `wiring` puts them
//! together.
//!
//! # Never
//! A client's name or number given to a task manager that the connection does not allow it. Two tasks of one order. A
//! provider called inside a transaction. What a task says in a log.

mod config;
mod domain;
mod infrastructure;
mod wiring;

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sync");

pub use config::{Config, TenantConfig};
pub use wiring::Sync;
