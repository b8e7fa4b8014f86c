//! A stage: database, broker, the running service, and a provider whose behaviour the test writes down.

mod fake;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::Envelope;
use puente_http::{Http, HttpConfig};
use puente_notifications::{Config, Notifications, Parts};
use puente_ports::Connection;
use puente_proto::messaging::{MessageKind, MessageReceived, ReceiptChanged, ReceiptState};
use puente_proto::notifications::{MessageRequested, Recipient};
use puente_proto::{Event, timestamp};
use puente_service::{Base, Outside, Overrides, Runtime, Service};
use puente_testkit::service::{Ground, connection, envelope, outside};
use puente_testkit::wait_for;
use puente_types::EventId;
use time::OffsetDateTime;

pub(crate) use fake::{Fake, Reply};
pub(crate) use puente_testkit::service::{PATIENCE, tenant};

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
    ground: Ground,
    /// Where the first replica is asked.
    pub(crate) grpc: SocketAddr,
    /// Where files of messages are stored.
    pub(crate) blobs: Blobs,
    connections: Vec<Connection>,
    /// How long refusals wait for what may still be on its way.
    patience_ms: u32,
}

impl Deref for Stage {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
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
        Self::set_of(more, 1_500).await
    }

    /// The same as the first, with refusals that wait longer than any test.
    pub(crate) async fn patient() -> Self {
        Self::set_of(Vec::new(), 600_000).await
    }

    async fn set_of(more: Vec<Connection>, patience_ms: u32) -> Self {
        let ground = Ground::lay(
            "notifications",
            &puente_outbox::MIGRATIONS,
            &puente_notifications::MIGRATIONS,
        )
        .await;
        let blobs = ground.blobs();
        blobs.ensure_containers().await.unwrap();
        let own = [("acme-chat", "acme"), ("other-chat", "other")];
        let own = own.map(|(id, tenant)| connection(id, tenant, "fake"));
        let mut stage = Self {
            ground,
            grpc: ([127, 0, 0, 1], 0).into(),
            blobs,
            connections: own.into_iter().chain(more).collect(),
            patience_ms,
        };
        stage.grpc = stage.start(&stage.rt).await;
        stage
    }

    /// One more replica on the same database and broker; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime) -> SocketAddr {
        let overrides = Overrides::default().set("patience_ms", self.patience_ms);
        let config: Config = self.config("notifications", Notifications::DEFAULTS, overrides);
        let settings = HttpConfig {
            max_response_bytes: 25 * 1024 * 1024,
            ..HttpConfig::local()
        };
        let parts = Parts {
            outside: Outside {
                http: Http::new(settings).expect("a client"),
                ..outside(self.connections.clone(), fake::find)
            },
            blobs: Some(self.blobs.clone()),
        };
        let base = Base::open("notifications", config.base(), rt.clone()).await;
        let service = Notifications::with_parts(config, base.expect("servers that answer"), parts)
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
        let event = Envelope {
            id,
            aggregate_version: version,
            traceparent: traceparent.map(str::to_owned),
            ..envelope(tenant_name, aggregate, event)
        };
        self.send(&event).await;
    }

    /// Some service asks for a text because of an earlier event.
    pub(crate) async fn asks_because_of(&self, cause: EventId, tenant_name: &str, contact: &str, key: &str) {
        let request = request(tenant_name, contact, key, &[]);
        let event = Envelope {
            cause: Some(cause.to_string()),
            ..envelope(tenant_name, contact, &request)
        };
        self.send(&event).await;
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
