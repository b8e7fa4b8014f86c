//! A stage: database, broker, the running service, and people who write.

use std::net::SocketAddr;
use std::time::Duration;

use puente_bus::Envelope;
use puente_orders::domain::number::OrderNumber;
use puente_orders::{Config, MIGRATIONS, Orders, PgOrders};
use puente_proto::messaging::{MessageKind, MessageReceived};
use puente_proto::notifications::MessageRequested;
use puente_proto::{Event, find, timestamp};
use puente_service::config::load;
use puente_service::{Overrides, Runtime, Service};
use puente_testkit::{Schema, TestDb, TestNats, patient_sources, wait_for};
use puente_types::{EventId, TenantId};
use sqlx::PgPool;
use time::OffsetDateTime;

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// Somebody with a number.
pub(crate) const LAURA: &str = "+573001234567";
/// Somebody else.
pub(crate) const PEDRO: &str = "+573109876543";

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) client: async_nats::Client,
    pub(crate) rt: Runtime,
    pub(crate) orders: PgOrders,
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) nats: TestNats,
    pub(crate) db: TestDb,
}

/// A published event as the outbox holds it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) version: Option<i64>,
    pub(crate) cause: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) aggregate: String,
    pub(crate) payload: Vec<u8>,
}

impl Told {
    pub(crate) fn read<E: Event>(&self) -> E {
        assert_eq!(self.name, E::TYPE.name);
        E::decode(self.payload.as_slice()).unwrap()
    }
}

/// One message.
pub(crate) fn message(tenant: &str, phone: &str, sequence: i64, text: &str) -> MessageReceived {
    MessageReceived {
        provider: "wuzapi".into(),
        connection: format!("{tenant}-chat"),
        provider_message_id: format!("{phone}-{sequence}"),
        contact_id: phone.trim_start_matches('+').into(),
        contact_phone: phone.into(),
        contact_name: "Perfil".into(),
        kind: MessageKind::Text.into(),
        text: text.into(),
        sent_at: Some(timestamp(OffsetDateTime::now_utc())),
        receipt_sequence: sequence,
        ..MessageReceived::default()
    }
}

/// An event of another service, without version and trace.
pub(crate) fn envelope<E: Event>(id: EventId, tenant_name: &str, aggregate_id: &str, event: &E) -> Envelope {
    Envelope {
        id,
        tenant: tenant(tenant_name),
        event: find(E::TYPE.name).unwrap(),
        source: "another".to_owned(),
        aggregate_id: aggregate_id.to_owned(),
        aggregate_version: None,
        cause: None,
        traceparent: None,
        occurred_at: OffsetDateTime::now_utc(),
        replay: false,
        payload: prost::Message::encode_to_vec(event).into(),
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(Overrides::default()).await
    }

    pub(crate) async fn with(overrides: Overrides) -> Self {
        let schema = Schema {
            service: "orders",
            common: &puente_outbox::MIGRATIONS,
            own: &MIGRATIONS,
        };
        let db = TestDb::new(&[schema]).await;
        let nats = TestNats::start().await;
        let rt = Runtime::new("orders");
        let (orders, grpc) = start(&db, &nats, &rt, overrides).await;
        Self {
            pool: db.pool("orders"),
            client: nats.client().await,
            rt,
            orders,
            grpc,
            nats,
            db,
        }
    }

    /// One more replica on the same database and broker.
    pub(crate) async fn replica(&self, rt: &Runtime) {
        self.replica_with(rt, Overrides::default()).await;
    }

    /// The same, with settings of its own.
    pub(crate) async fn replica_with(&self, rt: &Runtime, overrides: Overrides) {
        start(&self.db, &self.nats, rt, overrides).await;
    }

    /// Publishes a message's event as ingress would.
    pub(crate) async fn publish(&self, tenant_name: &str, message: &MessageReceived) -> EventId {
        let id = EventId::new();
        self.publish_as(id, tenant_name, message).await;
        id
    }

    pub(crate) async fn publish_as(&self, id: EventId, tenant_name: &str, message: &MessageReceived) {
        self.publish_counted(id, tenant_name, message, None).await;
    }

    /// The same as the conversation's message number `version`.
    pub(crate) async fn publish_counted(
        &self,
        id: EventId,
        tenant_name: &str,
        message: &MessageReceived,
        version: Option<i64>,
    ) {
        let envelope = Envelope {
            aggregate_version: version,
            ..envelope(id, tenant_name, &message.contact_id, message)
        };
        self.send(&envelope).await;
    }

    /// Publishes an event as another service would.
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
            match js
                .publish_with_headers(envelope.subject(), headers, envelope.payload.clone())
                .await
            {
                Ok(ack) => ack.await.map(|_| ()).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Writes and waits until the message was worked.
    pub(crate) async fn say(&self, tenant_name: &str, phone: &str, sequence: i64, text: &str) {
        let event = self
            .publish(tenant_name, &message(tenant_name, phone, sequence, text))
            .await;
        self.worked(event).await;
    }

    pub(crate) async fn worked(&self, event: EventId) {
        wait_for("the message to be worked", PATIENCE, async || {
            let done: Option<bool> = sqlx::query_scalar(
                "SELECT worked_at IS NOT NULL FROM conversation_messages WHERE event_id = $1",
            )
            .bind(event.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| error.to_string())?;
            if done == Some(true) {
                Ok(())
            } else {
                Err(format!("{done:?}"))
            }
        })
        .await;
    }

    /// What a new client says until the order is open.
    pub(crate) fn first_order() -> [&'static str; 5] {
        [
            "Hola, necesito reparar la nevera que no enfría",
            "Laura Gómez",
            "laura@correo.co",
            "Calle 10 # 5-20, Medellín",
            "sí",
        ]
    }

    /// A registered client with one order.
    pub(crate) async fn with_order(&self, tenant_name: &str, phone: &str) -> OrderNumber {
        for (at, text) in Self::first_order().into_iter().enumerate() {
            self.say(tenant_name, phone, i64::try_from(at).unwrap() + 1, text)
                .await;
        }
        let number: i64 = sqlx::query_scalar(
            "SELECT number FROM orders WHERE tenant = $1 AND contact_phone = $2 ORDER BY number DESC LIMIT 1",
        )
        .bind(tenant_name)
        .bind(phone)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        OrderNumber::new(number).unwrap()
    }

    /// All events in the order of the outbox.
    pub(crate) async fn told(&self) -> Vec<Told> {
        type Row = (
            String,
            String,
            Option<i64>,
            Option<String>,
            Option<String>,
            String,
            Vec<u8>,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT type, tenant, aggregate_version, cause, traceparent, aggregate_id, payload FROM outbox ORDER BY seq",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        rows.into_iter()
            .map(
                |(name, tenant, version, cause, traceparent, aggregate, payload)| Told {
                    name,
                    tenant,
                    version,
                    cause,
                    traceparent,
                    aggregate,
                    payload,
                },
            )
            .collect()
    }

    /// The keys of the texts asked for, in order.
    pub(crate) async fn replies(&self) -> Vec<String> {
        self.requests()
            .await
            .into_iter()
            .map(|request| request.template)
            .collect()
    }

    pub(crate) async fn requests(&self) -> Vec<MessageRequested> {
        let told = self.told().await;
        told.iter()
            .filter(|event| event.name == MessageRequested::TYPE.name)
            .map(Told::read)
            .collect()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }
}

async fn start(
    db: &TestDb,
    nats: &TestNats,
    rt: &Runtime,
    overrides: Overrides,
) -> (PgOrders, Option<SocketAddr>) {
    let overrides = overrides
        .set("database.url", db.url())
        .set("nats.url", nats.url());
    let sources = patient_sources().with_overrides(overrides);
    let config: Config = load("orders", Orders::DEFAULTS, &sources)
        .expect("a good configuration")
        .service;
    let service = Orders::build(config, rt.clone())
        .await
        .expect("the service starts");
    let orders = service.orders();
    let grpc = service.grpc_address().unwrap();
    rt.spawn("service", service.run());
    (orders, grpc)
}
