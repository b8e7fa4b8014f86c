//! A stage: database, broker, a folder of documents, the running service, and a provider that the test plays.

mod asking;
mod fake;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::{Blobs, StorageSettings};
use puente_bus::Envelope;
use puente_http::{Http, HttpConfig};
use puente_ports::Connection;
use puente_proto::orders::{Contact, Quotation, SignatureRequested, SigningParty};
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus, SignerReport, SignerStatus};
use puente_proto::{Event, timestamp};
use puente_service::config::load;
use puente_service::{Overrides, Runtime, Service, Sources};
use puente_signature::{Config, Parts, Signature};
use puente_testkit::{Schema, TestDb, TestNats, wait_for};
use puente_types::{EventId, Secret, Secrets, SystemClock, TenantId};
use puente_vault::Connections;
use sqlx::PgPool;
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use asking::Asking;
pub(crate) use fake::{Accounts, Fake, Kept, Reply, pdf};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// The key of callers' tokens: 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The trace of requests.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The trace of reports.
pub(crate) const CALLBACK: &str = "22222222222222222222222222222222";

/// A request's row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Seen {
    pub(crate) state: String,
    pub(crate) step: String,
    pub(crate) manual: bool,
    pub(crate) reason: String,
    pub(crate) envelope_id: Option<String>,
    pub(crate) problem_code: Option<String>,
    pub(crate) problem_tag: Option<String>,
    pub(crate) version: i64,
    pub(crate) contract_id: Option<Uuid>,
    pub(crate) signed_id: Option<Uuid>,
}

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) client: async_nats::Client,
    pub(crate) rt: Runtime,
    pub(crate) nats: TestNats,
    pub(crate) db: TestDb,
    pub(crate) folder: TempDir,
    /// Where the first replica is asked.
    pub(crate) grpc: SocketAddr,
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

impl Stage {
    /// Everything running, for the tenants `acme` (connection `acme-sign`) and `other` (connection `other-sign`); the tenant
    /// `poor` has no connection.
    pub(crate) async fn set() -> Self {
        Self::set_with(60).await
    }

    /// The same; a quiet envelope is asked for after so many minutes.
    pub(crate) async fn set_with(poll_minutes: u32) -> Self {
        let db = TestDb::new(&[Schema {
            service: "signature",
            common: &puente_outbox::MIGRATIONS,
            own: &puente_signature::MIGRATIONS,
        }])
        .await;
        let nats = TestNats::start().await;
        let client = nats.client().await;
        let mut stage = Self {
            pool: db.pool("signature"),
            client,
            rt: Runtime::new("signature"),
            nats,
            db,
            folder: tempfile::tempdir().unwrap(),
            grpc: ([127, 0, 0, 1], 0).into(),
        };
        stage.grpc = stage.start_with(&stage.rt, poll_minutes).await;
        stage
    }

    /// One more replica on the same database, broker and folder; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime) -> SocketAddr {
        self.start_with(rt, 60).await
    }

    async fn start_with(&self, rt: &Runtime, poll_minutes: u32) -> SocketAddr {
        let overrides = Overrides::default()
            .set("master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .set("database.url", self.db.url())
            .set("nats.url", self.nats.url())
            .set("rpc_key", KEY)
            .set("callback_url", "https://hooks.example")
            .set("work_tick_ms", 50)
            .set("work_lease_ms", 60_000)
            .set("poll_minutes", poll_minutes);
        let sources = Sources::default().with_overrides(overrides);
        let config: Config = load("signature", Signature::DEFAULTS, &sources)
            .expect("a good configuration")
            .service;
        let parts = Parts {
            pool: self.db.pool("signature"),
            api: self.db.api_pool("signature"),
            client: self.nats.client().await,
            connections: Connections::fixed(vec![
                connection("acme-sign", "acme"),
                connection("other-sign", "other"),
            ]),
            http: Http::new(HttpConfig::local()).expect("a client"),
            blobs: self.blobs(),
            access: Arc::new(Accounts),
            registry: fake::find,
            manifests: fake::manifest_of,
        };
        let service = Signature::with_parts(config, rt.clone(), parts)
            .await
            .expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    /// The folder of documents.
    pub(crate) fn blobs(&self) -> Blobs {
        let settings = StorageSettings::local(
            self.folder.path().join("storage"),
            "http://127.0.0.1:8080",
            Secret::new(KEY),
        );
        Blobs::open(&settings, Arc::new(SystemClock)).expect("the store opens")
    }

    /// Publishes an event as another service would.
    pub(crate) async fn publish<E: Event>(&self, tenant_name: &str, aggregate: &str, event: &E) -> EventId {
        let id = EventId::new();
        let trace = if E::TYPE.name == EnvelopeChanged::TYPE.name {
            CALLBACK
        } else {
            TRACE
        };
        let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
        self.send(&Envelope {
            id,
            tenant: tenant(tenant_name),
            event: puente_proto::find(E::TYPE.name).unwrap(),
            source: "test".to_owned(),
            aggregate_id: aggregate.to_owned(),
            aggregate_version: Some(1),
            cause: None,
            traceparent: Some(traceparent),
            occurred_at: now(),
            replay: false,
            payload: event.encode_to_vec().into(),
        })
        .await;
        id
    }

    async fn send(&self, envelope: &Envelope) {
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

    /// An order asks for signatures; returns the request's id.
    pub(crate) async fn asks(&self, tenant_name: &str) -> String {
        let request = request();
        self.publish(tenant_name, &request.request_id, &request).await;
        request.request_id
    }

    /// The same, and waits until its envelope is with the signers; returns the request's id and the envelope.
    pub(crate) async fn sends(&self, tenant_name: &str) -> (String, Kept) {
        let id = self.asks(tenant_name).await;
        self.becomes(&id, |seen| seen.step == "waiting").await;
        let kept = Fake::only(&id);
        (id, kept)
    }

    /// The provider reports on an envelope.
    pub(crate) async fn reports(&self, tenant_name: &str, changed: &EnvelopeChanged) -> EventId {
        self.publish(tenant_name, &changed.envelope_id, changed).await
    }

    /// A request's row.
    pub(crate) async fn seen(&self, id: &str) -> Option<Seen> {
        sqlx::query_as(
            "SELECT state, step, manual, reason, envelope_id, problem_code, problem_tag, version, contract_id, signed_id
             FROM signatures WHERE id::text = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .expect("the request")
    }

    /// Waits until a request is as wanted.
    pub(crate) async fn becomes(&self, id: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        wait_for("the request", PATIENCE, async || match self.seen(id).await {
            Some(seen) if fits(&seen) => Ok(seen),
            seen => Err(seen),
        })
        .await
    }

    /// The states of a request's signers: client, service provider, agent.
    pub(crate) async fn signers(&self, id: &str) -> Vec<String> {
        sqlx::query_scalar("SELECT state FROM signers WHERE request_id::text = $1 ORDER BY position")
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .expect("the signers")
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

    /// The payloads of events of a type that the service committed about an aggregate, in their order.
    pub(crate) async fn told<E: Event>(&self, aggregate: &str) -> Vec<E> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT payload FROM outbox WHERE aggregate_id = $1 AND type = $2 ORDER BY aggregate_version, seq",
        )
        .bind(aggregate)
        .bind(E::TYPE.name)
        .fetch_all(&self.pool)
        .await
        .expect("the outbox");
        rows.iter()
            .map(|row| E::decode(row.as_slice()).unwrap())
            .collect()
    }

    /// The versions of a request's events.
    pub(crate) async fn versions(&self, aggregate: &str) -> Vec<i64> {
        sqlx::query_scalar(
            "SELECT aggregate_version FROM outbox WHERE aggregate_id = $1 AND aggregate_version IS NOT NULL
             ORDER BY aggregate_version",
        )
        .bind(aggregate)
        .fetch_all(&self.pool)
        .await
        .expect("the outbox")
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

    /// How many files are stored.
    pub(crate) fn files(&self) -> usize {
        fn below(folder: &std::path::Path) -> usize {
            let Ok(entries) = std::fs::read_dir(folder) else {
                return 0;
            };
            entries
                .flatten()
                .map(|entry| {
                    let path = entry.path();
                    if path.is_dir() {
                        below(&path)
                    } else {
                        usize::from(path.extension().is_some_and(|end| end == "pdf"))
                    }
                })
                .sum()
        }
        below(self.folder.path())
    }
}

pub(crate) fn request() -> SignatureRequested {
    let party = |role: &str, name: &str, phone: &str| SigningParty {
        role: role.to_owned(),
        name: name.to_owned(),
        email: format!("{role}@example.test"),
        phone: phone.to_owned(),
        tax_id: "900123456-8".to_owned(),
        address: String::new(),
    };
    SignatureRequested {
        request_id: Uuid::now_v7().to_string(),
        order_id: Uuid::now_v7().to_string(),
        number: "OT-000042".to_owned(),
        attempt: 1,
        contact: Some(Contact {
            client_id: Uuid::now_v7().to_string(),
            name: "Ana Ruiz".to_owned(),
            phone: "+573001234567".to_owned(),
            provider: "fake".to_owned(),
            connection: "acme-chat".to_owned(),
            contact_id: "573001234567".to_owned(),
        }),
        parties: vec![
            party("client", "Ana Ruiz", "+573001234567"),
            party("service_provider", "Luis Peña", "+573007654321"),
            party("agent", "Eva Díaz", ""),
        ],
        service: "Mantenimiento".to_owned(),
        description: "La planta no enciende".to_owned(),
        location: "Calle 1 # 2-3, Bogotá".to_owned(),
        quotation: Some(Quotation {
            amount_minor: 125_000_000,
            currency: "COP".to_owned(),
            note: "IVA incluido".to_owned(),
            valid_until: "2027-12-31".to_owned(),
        }),
        requested_by: "agent-1".to_owned(),
        requested_at: Some(timestamp(now())),
    }
}

/// A report by our reference.
pub(crate) fn report(
    request_id: &str,
    envelope_id: &str,
    status: EnvelopeStatus,
    signers: &[(&str, SignerStatus)],
) -> EnvelopeChanged {
    EnvelopeChanged {
        provider: "fake".into(),
        connection: "acme-sign".into(),
        envelope_id: envelope_id.into(),
        reference: request_id.into(),
        kind: "test".into(),
        status: status.into(),
        signers: signers
            .iter()
            .map(|(recipient, status)| SignerReport {
                recipient_id: (*recipient).to_owned(),
                status: (*status).into(),
                reason: if *status == SignerStatus::Declined {
                    "el precio no es el acordado".to_owned()
                } else {
                    String::new()
                },
                changed_at: Some(timestamp(now())),
            })
            .collect(),
        reason: String::new(),
        changed_at: Some(timestamp(now())),
        delivery_id: String::new(),
    }
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
