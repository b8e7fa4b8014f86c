//! The ground that a whole service runs on in its tests: database, broker, a folder of documents; events that come from
//! others, what it committed because of them, and somebody who asks it.
//!
//! A service's own stage stands on it (`Deref`), and adds what only that service has: its parts, its rows, the provider
//! that the test plays.

mod asker;
mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use puente_blob::{Blobs, StorageSettings};
use puente_bus::Envelope;
use puente_ports::Connection;
use puente_proto::Event;
use puente_service::config::load;
use puente_service::{Overrides, Runtime};
use puente_types::{Clock as _, EventId, Secret, Secrets, SystemClock, TenantId};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tempfile::TempDir;

pub use asker::Asker;
pub use stand_in::{Gate, away, failure, manifest, outside};

use crate::{Schema, TestDb, TestNats, patient_sources, wait_for};

/// Longer than anything in a service's tests takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The key of callers' tokens and of links: 32 bytes.
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The key that opens connections: 32 bytes.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What a service runs on.
pub struct Ground {
    /// The service's tables, as its worker.
    pub pool: PgPool,
    /// The broker, as another service.
    pub client: async_nats::Client,
    /// The first replica's runtime.
    pub rt: Runtime,
    /// The broker.
    pub nats: TestNats,
    /// The database.
    pub db: TestDb,
    /// Where documents are.
    pub folder: TempDir,
}

impl Ground {
    /// For one service, with its tables and those that every service has.
    pub async fn lay(service: &'static str, common: &Migrator, own: &Migrator) -> Self {
        let db = TestDb::new(&[Schema { service, common, own }]).await;
        let nats = TestNats::start().await;
        let client = nats.client().await;
        Self {
            pool: db.pool(service),
            client,
            rt: Runtime::new(service),
            nats,
            db,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// The service's configuration: its defaults, what this ground is, and what the test wants.
    pub fn config<C>(&self, service: &'static str, defaults: &str, wanted: Overrides) -> C
    where
        C: serde::de::DeserializeOwned,
    {
        let overrides = wanted
            .set("master_key", MASTER_KEY)
            .set("database.url", self.db.url())
            .set("nats.url", self.nats.url())
            .set("rpc_key", KEY);
        let sources = patient_sources().with_overrides(overrides);
        let loaded = load::<C>(service, defaults, &sources);
        loaded.expect("a good configuration").service
    }

    /// The folder of documents, as a store.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        let folder = self.folder.path().join("storage");
        let settings = StorageSettings::local(folder, "http://127.0.0.1:8080", Secret::new(KEY));
        Blobs::open(&settings, Arc::new(SystemClock)).expect("the store opens")
    }

    /// Publishes an event as another service would.
    pub async fn send(&self, envelope: &Envelope) {
        let js = async_nats::jetstream::new(self.client.clone());
        // The stream is declared by the service; at the start it may not be there yet.
        wait_for("the stream to take an event", PATIENCE, async || {
            let mut headers = envelope.headers();
            // A repeated event must reach the service, not the broker's own memory.
            headers.insert(NATS_MESSAGE_ID, EventId::new().to_string().as_str());
            let sent = js
                .publish_with_headers(envelope.subject(), headers, envelope.payload.clone())
                .await;
            match sent {
                Ok(ack) => ack.await.map(|_| ()).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Waits until the service has handled an event.
    pub async fn handled(&self, event: EventId) {
        wait_for("the event to be handled", PATIENCE, async || {
            let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM inbox WHERE event_id = $1");
            let count = count.bind(event.uuid()).fetch_one(&self.pool).await;
            count.expect("the inbox") == 1
        })
        .await;
    }

    /// The payloads of events of a type that the service committed about an aggregate, in their order.
    pub async fn told<E: Event>(&self, aggregate: &str) -> Vec<E> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT payload FROM outbox WHERE aggregate_id = $1 AND type = $2 ORDER BY aggregate_version, seq",
        )
        .bind(aggregate)
        .bind(E::TYPE.name)
        .fetch_all(&self.pool)
        .await
        .expect("the outbox");
        rows.iter()
            .map(|row| E::decode(row.as_slice()).expect("an event of this type"))
            .collect()
    }

    /// What a query counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let count = sqlx::query_scalar(sql).fetch_one(&self.pool).await;
        count.expect("a count")
    }

    /// Stops the first replica in order.
    pub async fn stop(&self) {
        self.rt.drain(PATIENCE).await.expect("nothing is left running");
    }
}

/// A tenant.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant")
}

/// A tenant's connection to a provider, without settings and secrets.
#[must_use]
pub fn connection(id: &str, tenant_name: &str, provider: &str) -> Connection {
    Connection {
        id: id.parse().expect("an id of a connection"),
        tenant: tenant(tenant_name),
        provider: provider.to_owned(),
        account: None,
        settings: serde_json::Map::new(),
        secrets: Secrets::default(),
    }
}

/// An event of another service, as it is published: now, in no trace, caused by nothing.
pub fn envelope<E: Event>(tenant_name: &str, aggregate: &str, event: &E) -> Envelope {
    Envelope {
        id: EventId::new(),
        tenant: tenant(tenant_name),
        event: puente_proto::find(E::TYPE.name).expect("an event of the catalogue"),
        source: "test".to_owned(),
        aggregate_id: aggregate.to_owned(),
        aggregate_version: None,
        cause: None,
        traceparent: None,
        occurred_at: SystemClock.now(),
        replay: false,
        payload: event.encode_to_vec().into(),
    }
}
