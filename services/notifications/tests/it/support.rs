//! A stage: database, broker, the running service, and a provider whose behaviour the test writes down.

mod fake;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::{Blobs, StorageSettings};
use puente_bus::Envelope;
use puente_http::{Http, HttpConfig};
use puente_notifications::{Config, Notifications, Parts};
use puente_ports::Connection;
use puente_proto::messaging::{MessageKind, MessageReceived, ReceiptChanged, ReceiptState};
use puente_proto::notifications::{MessageRequested, Recipient};
use puente_proto::{Event, timestamp};
use puente_service::config::load;
use puente_service::{Overrides, Runtime, Service, Sources};
use puente_testkit::{Schema, TestDb, TestNats, wait_for};
use puente_types::{EventId, Secret, Secrets, SystemClock, TenantId};
use puente_vault::Connections;
use sqlx::PgPool;
use time::OffsetDateTime;

pub(crate) use fake::{Fake, Reply};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The key of callers' tokens: 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The contact of most tests.
pub(crate) const ANA: &str = "573001234567";

/// A message's row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) template: String,
    pub(crate) form: String,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) code: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) effect_key: String,
}

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) client: async_nats::Client,
    pub(crate) rt: Runtime,
    pub(crate) nats: TestNats,
    pub(crate) db: TestDb,
    /// Where the first replica is asked.
    pub(crate) grpc: Option<SocketAddr>,
    /// Where files of messages are stored.
    pub(crate) blobs: Blobs,
    connections: Vec<Connection>,
    _files: tempfile::TempDir,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn connection(id: &str, tenant_name: &str) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        tenant: tenant(tenant_name),
        provider: "fake".to_owned(),
        account: None,
        settings: serde_json::Map::new(),
        secrets: Secrets::default(),
    }
}

/// An event's payload.
pub(crate) fn encoded<E: Event>(event: &E) -> Vec<u8> {
    event.encode_to_vec()
}

impl Stage {
    /// Everything running, for the tenants `acme` (connection `acme-chat`) and `other` (connection `other-chat`).
    pub(crate) async fn set() -> Self {
        Self::set_with(Vec::new()).await
    }

    /// The same with more connections.
    pub(crate) async fn set_with(more: Vec<Connection>) -> Self {
        let db = TestDb::new(&[Schema {
            service: "notifications",
            common: &puente_outbox::MIGRATIONS,
            own: &puente_notifications::MIGRATIONS,
        }])
        .await;
        let nats = TestNats::start().await;
        let client = nats.client().await;
        let files = tempfile::tempdir().unwrap();
        let storage = StorageSettings::local(files.path(), "http://127.0.0.1:8080", Secret::new(KEY));
        let blobs = Blobs::open(&storage, Arc::new(SystemClock)).expect("a folder");
        blobs.ensure_containers().await.unwrap();
        let own = [connection("acme-chat", "acme"), connection("other-chat", "other")];
        let mut stage = Self {
            pool: db.pool("notifications"),
            client,
            rt: Runtime::new("notifications"),
            nats,
            db,
            grpc: None,
            blobs,
            connections: own.into_iter().chain(more).collect(),
            _files: files,
        };
        stage.grpc = Some(stage.start(&stage.rt).await);
        stage
    }

    /// One more replica on the same database and broker; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime) -> SocketAddr {
        let overrides = Overrides::default()
            .set("master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .set("database.url", self.db.url())
            .set("nats.url", self.nats.url())
            .set("rpc_key", KEY)
            .set("patience_ms", 1_500);
        let sources = Sources::default().with_overrides(overrides);
        let config: Config = load("notifications", Notifications::DEFAULTS, &sources)
            .expect("a good configuration")
            .service;
        let parts = Parts {
            pool: self.db.pool("notifications"),
            api: self.db.api_pool("notifications"),
            client: self.nats.client().await,
            connections: Connections::fixed(self.connections.clone()),
            http: Http::new(HttpConfig {
                max_response_bytes: 25 * 1024 * 1024,
                ..HttpConfig::local()
            })
            .expect("a client"),
            blobs: Some(self.blobs.clone()),
            registry: fake::find,
            manifests: fake::manifest_of,
        };
        let service = Notifications::with_parts(config, rt.clone(), parts)
            .await
            .expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    /// Publishes an event as another service would.
    pub(crate) async fn publish<E: Event>(
        &self,
        tenant_name: &str,
        aggregate: &str,
        version: Option<i64>,
        event: &E,
    ) -> EventId {
        let id = EventId::new();
        self.publish_as(id, tenant_name, aggregate, version, event).await;
        id
    }

    pub(crate) async fn publish_as<E: Event>(
        &self,
        id: EventId,
        tenant_name: &str,
        aggregate: &str,
        version: Option<i64>,
        event: &E,
    ) {
        self.publish_in(None, id, tenant_name, aggregate, version, event)
            .await;
    }

    /// The same in a trace.
    pub(crate) async fn publish_in<E: Event>(
        &self,
        traceparent: Option<&str>,
        id: EventId,
        tenant_name: &str,
        aggregate: &str,
        version: Option<i64>,
        event: &E,
    ) {
        let envelope = Envelope {
            id,
            tenant: tenant(tenant_name),
            event: puente_proto::find(E::TYPE.name).unwrap(),
            source: "test".to_owned(),
            aggregate_id: aggregate.to_owned(),
            aggregate_version: version,
            cause: None,
            traceparent: traceparent.map(str::to_owned),
            occurred_at: now(),
            replay: false,
            payload: event.encode_to_vec().into(),
        };
        self.send(&envelope).await;
    }

    /// Some service asks for a text because of an earlier event.
    pub(crate) async fn asks_because_of(&self, cause: EventId, tenant_name: &str, contact: &str, key: &str) {
        let request = request(tenant_name, contact, key, &[]);
        self.send(&Envelope {
            id: EventId::new(),
            tenant: tenant(tenant_name),
            event: &MessageRequested::TYPE,
            source: "test".to_owned(),
            aggregate_id: contact.to_owned(),
            aggregate_version: None,
            cause: Some(cause.to_string()),
            traceparent: None,
            occurred_at: now(),
            replay: false,
            payload: encoded(&request).into(),
        })
        .await;
    }

    /// Publishes an event with all that is known of it.
    pub(crate) async fn send(&self, envelope: &Envelope) {
        let js = async_nats::jetstream::new(self.client.clone());
        // The stream is declared by the service; at the start it may not be there yet.
        wait_for("the stream to take an event", PATIENCE, async || {
            let mut headers = envelope.headers();
            // A repeated event must reach the service, not the broker's own memory.
            headers.insert(
                async_nats::header::NATS_MESSAGE_ID,
                EventId::new().to_string().as_str(),
            );
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

    /// The contact writes to the tenant, `ago` before now.
    pub(crate) async fn hears(&self, tenant_name: &str, contact: &str, text: &str, ago: Duration) -> EventId {
        let id = EventId::new();
        self.hears_as(id, tenant_name, contact, text, ago).await;
        id
    }

    /// The same with the event's id.
    pub(crate) async fn hears_as(
        &self,
        id: EventId,
        tenant_name: &str,
        contact: &str,
        text: &str,
        ago: Duration,
    ) {
        let message = MessageReceived {
            provider: "fake".into(),
            connection: format!("{tenant_name}-chat"),
            provider_message_id: EventId::new().to_string(),
            contact_id: contact.into(),
            kind: MessageKind::Text.into(),
            text: text.into(),
            sent_at: Some(timestamp(now() - ago)),
            ..MessageReceived::default()
        };
        self.publish_as(id, tenant_name, contact, None, &message).await;
    }

    /// Some service asks for a text.
    pub(crate) async fn asks(
        &self,
        tenant_name: &str,
        contact: &str,
        key: &str,
        values: &[(&str, &str)],
    ) -> EventId {
        self.publish(
            tenant_name,
            contact,
            None,
            &request(tenant_name, contact, key, values),
        )
        .await
    }

    /// The provider reports on a message.
    pub(crate) async fn reports(
        &self,
        tenant_name: &str,
        id: &str,
        reference: &str,
        state: ReceiptState,
    ) -> EventId {
        let receipt = receipt(tenant_name, id, reference, state);
        self.publish(tenant_name, id, None, &receipt).await
    }

    /// The tenant's messages in the order in which they were taken in.
    pub(crate) async fn messages(&self, tenant_name: &str) -> Vec<Seen> {
        type Row = (
            String,
            String,
            String,
            String,
            i64,
            Option<String>,
            Option<String>,
            Option<String>,
            String,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id::text, template, form, state, version, error_code, error_tag, provider_message_id, effect_key
             FROM messages WHERE tenant = $1 ORDER BY queued_at, id",
        )
        .bind(tenant_name)
        .fetch_all(&self.pool)
        .await
        .expect("the messages");
        rows.into_iter()
            .map(
                |(id, template, form, state, version, code, tag, provider_id, effect_key)| Seen {
                    id,
                    template,
                    form,
                    state,
                    version,
                    code,
                    tag,
                    provider_id,
                    effect_key,
                },
            )
            .collect()
    }

    /// Waits until the tenant has `count` messages, each in a state that `fits`.
    pub(crate) async fn settled(
        &self,
        tenant_name: &str,
        count: usize,
        fits: impl Fn(&Seen) -> bool,
    ) -> Vec<Seen> {
        wait_for("the messages", PATIENCE, async || {
            let messages = self.messages(tenant_name).await;
            if messages.len() == count && messages.iter().all(&fits) {
                Ok(messages)
            } else {
                Err(messages)
            }
        })
        .await
    }

    /// Waits until the service has handled an event.
    pub(crate) async fn handled(&self, event: EventId) {
        wait_for("the event to be handled", PATIENCE, async || {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE event_id = $1")
                .bind(event.uuid())
                .fetch_one(&self.pool)
                .await
                .expect("the inbox");
            count == 1
        })
        .await;
    }

    /// The events that the service committed about an aggregate, by name, with their versions.
    pub(crate) async fn told(&self, aggregate: &str) -> Vec<(String, i64)> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT type, aggregate_version FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
        )
        .bind(aggregate)
        .fetch_all(&self.pool)
        .await
        .expect("the outbox");
        rows.into_iter()
            .map(|(name, version)| (name.rsplit('.').next().unwrap_or_default().to_owned(), version))
            .collect()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .expect("a count")
    }

    /// Stops the service in order.
    pub(crate) async fn stop(&self) {
        self.rt.drain(PATIENCE).await.expect("nothing is left running");
    }
}

pub(crate) fn request(
    tenant_name: &str,
    contact: &str,
    key: &str,
    values: &[(&str, &str)],
) -> MessageRequested {
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    MessageRequested {
        recipient: Some(Recipient {
            provider: "fake".into(),
            connection: format!("{tenant_name}-chat"),
            contact_id: contact.into(),
            phone: String::new(),
        }),
        template: key.into(),
        variables: values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        about: "conversation-1".into(),
        critical: false,
    }
}

pub(crate) fn receipt(tenant_name: &str, id: &str, reference: &str, state: ReceiptState) -> ReceiptChanged {
    ReceiptChanged {
        provider: "fake".into(),
        connection: format!("{tenant_name}-chat"),
        provider_message_id: id.into(),
        reference: reference.into(),
        state: state.into(),
        error_code: if state == ReceiptState::Failed {
            "131026".into()
        } else {
            String::new()
        },
        changed_at: Some(timestamp(now())),
        ..ReceiptChanged::default()
    }
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
