//! The smallest consumer that there can be: inbox, one row of state, one event out, in one transaction.

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_bus::topology::{ConsumerSpec, ORDERS};
use puente_outbox::{ApplyError, EventHandler, NewEvent, Tx};
use puente_proto::messaging::MessageReceived;
use puente_proto::orders::ClientRegistered;

/// Its table.
pub(crate) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// As a service of ours is.
pub(crate) const SPEC: ConsumerSpec = ConsumerSpec {
    durable: "bench",
    ..ORDERS
};

/// The handler.
pub(crate) struct Minimal;

#[async_trait]
impl EventHandler for Minimal {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        let message: MessageReceived = event
            .decode()
            .map_err(|error| ApplyError::Dead(error.to_string()))?;
        // Unchecked by the compiler: this schema exists while a bench runs only.
        sqlx::query(
            "INSERT INTO counts (contact, n) VALUES ($1, 1) ON CONFLICT (contact) DO UPDATE SET n = counts.n + 1",
        )
        .bind(&message.contact_id)
        .execute(&mut **tx)
        .await?;
        let told = ClientRegistered::default();
        tx.append(NewEvent::new(&event.tenant, &event.aggregate_id, &told).caused_by(event.id));
        Ok(())
    }
}
