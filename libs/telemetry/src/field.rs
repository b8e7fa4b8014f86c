//! Keys of span and log fields, so that one query finds a thing in every service.
//!
//! In the macros a constant is written in braces: `info!({ field::TENANT_ID } = %tenant, "…")`. Ids belong
//! here and never into metric labels, whose number must stay bounded.

/// The service that acts.
pub const SERVICE: &str = "service";
/// The tenant on whose behalf something happens.
pub const TENANT_ID: &str = "tenant.id";
/// The provider's slug.
pub const PROVIDER: &str = "provider";
/// The connection of the tenant to a provider.
pub const CONNECTION_ID: &str = "connection.id";
/// The operation of the provider that is called.
pub const OPERATION: &str = "operation";
/// The webhook delivery as ingress stored it.
pub const DELIVERY_ID: &str = "delivery.id";
/// The event (`ce-id`).
pub const EVENT_ID: &str = "event.id";
/// The full name of the event's type (`ce-type`).
pub const EVENT_TYPE: &str = "event.type";
/// The id of what the event tells about (`ce-subject`).
pub const AGGREGATE_ID: &str = "aggregate.id";
/// The durable consumer that handles the event.
pub const CONSUMER: &str = "consumer";
/// The effect: a journalled call to a third party.
pub const EFFECT_ID: &str = "effect.id";
/// The order.
pub const ORDER_ID: &str = "order.id";
/// The conversation.
pub const CONVERSATION_ID: &str = "conversation.id";
/// Our id of a message.
pub const MESSAGE_ID: &str = "message.id";
/// Which try this is, from 1.
pub const ATTEMPT: &str = "attempt";
/// How it ended: a word of a bounded set.
pub const OUTCOME: &str = "outcome";
/// The class of an error: a word of a bounded set.
pub const ERROR_TYPE: &str = "error.type";
/// The trace a log line belongs to; added by the log format itself.
pub const TRACE_ID: &str = "trace_id";
/// The span a log line belongs to; added by the log format itself.
pub const SPAN_ID: &str = "span_id";
