//! Orders: people write, the bot asks, an order comes of it and moves through its states; equipment gets its record.
//!
//! # Protocol
//! 1. `messaging.message.received` puts a message in the queue of its conversation, in the transaction of the inbox
//!    mark. A provider's second copy of a message ends here.
//! 2. A worker locks the conversation's row and works its queue by receipt sequence, at once unless the count of
//!    ingress shows that a message is missing (`docs/adr/0004-receipt-order.md`). Each message is one turn of the
//!    bot (`domain::engine`, a pure function that follows the skill files). Memory, client, order, journal, events and
//!    the messages asked of notifications are one commit.
//! 3. `orders.client.registered`, `orders.order.opened`, `orders.order.state_changed` and `orders.order.assigned` go
//!    out with the order's gapless version, all in the trace that the order was opened in. The confirmation of a new order and the news of a visible state are made
//!    by notifications from these events; only the bot's own questions and answers are asked for by
//!    `notifications.message.requested`.
//! 4. Once the quotation is approved, `SendToSignature` moves the order to `EnFirma` and queues
//!    `orders.signature.requested` in the same commit: one request per sending. `signature.signature.state_changed`
//!    brings the order to `PolizaAsignada`, `DocumentosRechazados`, or back to `CotizacionAprobada`; only news of the
//!    newest request, and only while the order waits for it (`application::apply_signature`).
//!
//! 5. A word about a serial plate opens a capture: from then on the conversation's messages go to ocr as
//!    `orders.capture.continued`, gapless per capture, until `ocr.capture.state_changed` brings its end or the person turns
//!    to something else. An end with a serial registers the asset of it, or finds it, with its photographs, in the
//!    transaction of the inbox mark; `orders.asset.registered` and `orders.asset.changed` tell of it. A worker then makes
//!    its record sheet (`infrastructure::sheets`).
//!
//! 6. Where a tenant's skill asks for the tax id of who an order is for, a turn that needs the ERP's word notes it and rests;
//!    `infrastructure::lookups` asks outside of any transaction, and the message is worked again (`infrastructure::store::company`).
//!    `orders.order.client_checked` tells what came of a check that had to wait.
//!
//! Other services ask by gRPC for orders, clients and conversations (`OrderQueries`), and bring the commands of people
//! (`OrderCommands`), each done once per key; they keep the directory of agents and service providers (`Directory`), and
//! papers about providers and orders (`Documents`), and ask for equipment and write what is known of it (`Assets`). The tenant is that of the caller's token.
//!
//! # Who is who
//! A client is known by the phone number that the provider vouches for, else by the conversation that it registered
//! or was known in. A number that somebody typed is contact data and gives no right to see orders.
//!
//! # Never
//! A provider is called. A message's words are kept after its turn, or logged. An order is told of to anybody but its
//! client. A state is changed past the table of `domain::state`. A person says what became of signatures. The
//! serial of an asset changes.

pub mod application;
mod config;
pub mod domain;
mod infrastructure;
mod wiring;

pub use application::change_state::{Change, ChangeError, change_state};
pub use config::Config;
pub use infrastructure::skills;
pub use infrastructure::store::PgOrders;
pub use wiring::Orders;

/// Documents that people bring: what each is about, its kind, and where it is kept.
pub fn documents_of_people() -> impl Iterator<Item = (&'static str, &'static str, puente_blob::Container)> {
    let brought = infrastructure::documents::KEPT
        .iter()
        .filter(|kept| kept.from_people);
    brought.map(|kept| (kept.about, kept.kind, kept.container))
}

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/orders");
