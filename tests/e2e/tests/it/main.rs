//! Stories across the fleet.
#![expect(clippy::disallowed_methods, reason = "tests spawn freely: what they spawn ends with them")]

mod chaos;
mod message_to_order;
mod outages;
mod replicas;
mod tenants;
mod tracing;
