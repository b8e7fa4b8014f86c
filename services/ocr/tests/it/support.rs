//! A stage: database, broker, a folder of photographs, notifications' door, the running service, and engines that the test
//! plays.

mod asking;
mod eyes;
mod media;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::{Blobs, StorageSettings};
use puente_bus::Envelope;
use puente_http::{Http, HttpConfig};
use puente_ocr::{Config, Ocr, Parts};
use puente_ports::{Connection, Provider};
use puente_proto::messaging::Media;
use puente_proto::notifications::MessageRequested;
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::{CaptureContinued, Contact};
use puente_proto::{Event, timestamp};
use puente_service::config::load;
use puente_service::{Overrides, Runtime, Service, Sources};
use puente_testkit::{Schema, TestDb, TestNats, wait_for};
use puente_types::{EventId, Secret, Secrets, SystemClock, TenantId};
use puente_vault::Connections;
use sqlx::PgPool;
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use asking::Asking;
pub(crate) use eyes::{Eyes, Reply};
pub(crate) use media::MediaDoor;

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// The key of callers' tokens: 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The trace of turns.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// A picture without any text.
const PICTURE: &[u8] = include_bytes!("support/photo.png");

/// Finds providers.
pub(crate) type Registry = fn(&str) -> Option<&'static dyn Provider>;

/// A capture's row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Seen {
    pub(crate) state: String,
    pub(crate) serial: String,
    pub(crate) origin: String,
    pub(crate) decided_by: String,
    pub(crate) engine: String,
    pub(crate) attempt: i32,
    pub(crate) next_turn: i32,
    pub(crate) version: i64,
}

/// An attempt's row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SeenAttempt {
    pub(crate) attempt: i32,
    pub(crate) state: String,
    pub(crate) engine: String,
    pub(crate) key: Option<String>,
    pub(crate) troubles: String,
}

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) client: async_nats::Client,
    pub(crate) rt: Runtime,
    pub(crate) nats: TestNats,
    pub(crate) db: TestDb,
    pub(crate) folder: TempDir,
    pub(crate) media: MediaDoor,
    overrides: Overrides,
    registry: Registry,
    connections: Vec<Connection>,
    /// Where the first replica is asked.
    pub(crate) grpc: SocketAddr,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub(crate) fn connection(id: &str, tenant_name: &str, provider: &str) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        tenant: tenant(tenant_name),
        provider: provider.to_owned(),
        account: None,
        settings: serde_json::Map::new(),
        secrets: Secrets::default(),
    }
}

/// The engine `eye_a` alone, and little patience.
pub(crate) fn usual() -> Overrides {
    Overrides::default()
        .set("engines", vec!["eye_a"])
        .set("patience_ms", 1_000)
}

impl Stage {
    /// Everything running, for the tenants `acme` and `other`, each with a connection to each engine; `poor` has none.
    pub(crate) async fn set() -> Self {
        Self::set_with(usual()).await
    }

    /// The same, otherwise configured.
    pub(crate) async fn set_with(overrides: Overrides) -> Self {
        let connections = ["acme", "other"].into_iter().flat_map(|tenant| {
            ["eye_a", "eye_b"].map(|eye| {
                let id = format!("{tenant}-{}", eye.replace('_', "-"));
                connection(&id, tenant, eye)
            })
        });
        Self::set_of(overrides, eyes::find, connections.collect()).await
    }

    /// The same, with these providers and connections.
    pub(crate) async fn set_of(
        overrides: Overrides,
        registry: Registry,
        connections: Vec<Connection>,
    ) -> Self {
        let db = TestDb::new(&[Schema {
            service: "ocr",
            common: &puente_outbox::MIGRATIONS,
            own: &puente_ocr::MIGRATIONS,
        }])
        .await;
        let nats = TestNats::start().await;
        let client = nats.client().await;
        let folder = tempfile::tempdir().unwrap();
        let media = MediaDoor::open(blobs(&folder)).await;
        let mut stage = Self {
            pool: db.pool("ocr"),
            client,
            rt: Runtime::new("ocr"),
            nats,
            db,
            folder,
            media,
            overrides,
            registry,
            connections,
            grpc: ([127, 0, 0, 1], 0).into(),
        };
        stage.grpc = stage.start(&stage.rt).await;
        stage
    }

    /// One more replica on the same database, broker and folder; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime) -> SocketAddr {
        let overrides = self
            .overrides
            .clone()
            .set("master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .set("storage.link_key", KEY)
            .set("database.url", self.db.url())
            .set("nats.url", self.nats.url())
            .set("rpc_key", KEY)
            .set("notifications_url", format!("http://{}", self.media.address))
            .set("work_tick_ms", 50);
        let sources = Sources::default().with_overrides(overrides);
        let config: Config = load("ocr", Ocr::DEFAULTS, &sources)
            .expect("a good configuration")
            .service;
        let parts = Parts {
            pool: self.db.pool("ocr"),
            api: self.db.api_pool("ocr"),
            client: self.nats.client().await,
            connections: Connections::fixed(self.connections.clone()),
            http: Http::new(HttpConfig::local()).expect("a client"),
            blobs: blobs(&self.folder),
            registry: self.registry,
        };
        let service = Ocr::with_parts(config, rt.clone(), parts)
            .await
            .expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    pub(crate) fn blobs(&self) -> Blobs {
        blobs(&self.folder)
    }

    /// Publishes a turn as orders would.
    pub(crate) async fn publish(&self, tenant_name: &str, continued: &CaptureContinued) -> EventId {
        let id = EventId::new();
        self.send(tenant_name, id, continued).await;
        id
    }

    /// Publishes a turn as an event with this id.
    pub(crate) async fn send(&self, tenant_name: &str, id: EventId, continued: &CaptureContinued) {
        let envelope = Envelope {
            id,
            tenant: tenant(tenant_name),
            event: puente_proto::find(CaptureContinued::TYPE.name).unwrap(),
            source: "test".to_owned(),
            aggregate_id: continued.capture_id.clone(),
            aggregate_version: Some(continued.turn.into()),
            cause: None,
            traceparent: Some(format!("00-{TRACE}-00f067aa0ba902b7-01")),
            occurred_at: now(),
            replay: false,
            payload: encoded(continued),
        };
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

    /// A person sends a photograph as this turn.
    pub(crate) async fn photo(&self, id: &str, turn: u32) -> EventId {
        self.publish("acme", &photo_turn(&self.media, id, turn)).await
    }

    /// A person writes as this turn.
    pub(crate) async fn words(&self, id: &str, turn: u32, text: &str) -> EventId {
        let continued = CaptureContinued {
            text: text.to_owned(),
            ..turn_of(id, turn)
        };
        self.publish("acme", &continued).await
    }

    /// A capture's row.
    pub(crate) async fn seen(&self, id: &str) -> Option<Seen> {
        sqlx::query_as(
            "SELECT state, serial, origin, decided_by, engine, attempt, next_turn, version FROM plate_captures
             WHERE id::text = $1 AND version > 0",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .expect("the capture")
    }

    /// A capture's attempts.
    pub(crate) async fn attempts(&self, id: &str) -> Vec<SeenAttempt> {
        sqlx::query_as(
            "SELECT attempt, state, engine, key, troubles::text AS troubles FROM attempts WHERE capture_id::text = $1
             ORDER BY attempt",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .expect("the attempts")
    }

    /// Waits until a capture is as wanted.
    pub(crate) async fn becomes(&self, id: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        wait_for("the capture", PATIENCE, async || match self.seen(id).await {
            Some(seen) if fits(&seen) => Ok(seen),
            seen => Err(seen),
        })
        .await
    }

    /// Waits until a capture has this state.
    pub(crate) async fn state(&self, id: &str, state: &str) -> Seen {
        self.becomes(id, |seen| seen.state == state).await
    }

    /// Waits until a turn was worked.
    pub(crate) async fn worked(&self, id: &str, turn: i32) -> Seen {
        self.becomes(id, |seen| seen.next_turn > turn).await
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

    /// The states that a capture went through, as its events tell.
    pub(crate) async fn states(&self, id: &str) -> Vec<String> {
        let told = self.told::<CaptureStateChanged>(id).await;
        told.into_iter().map(|event| event.after).collect()
    }

    /// The keys of the texts that its person was sent.
    pub(crate) async fn said(&self, id: &str) -> Vec<String> {
        let told = self.told::<MessageRequested>(id).await;
        told.into_iter().map(|message| message.template).collect()
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

fn blobs(folder: &TempDir) -> Blobs {
    let settings = StorageSettings::local(
        folder.path().join("storage"),
        "http://127.0.0.1:8080",
        Secret::new(KEY),
    );
    Blobs::open(&settings, Arc::new(SystemClock)).expect("the store opens")
}

pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn encoded<E: Event>(event: &E) -> bytes::Bytes {
    event.encode_to_vec().into()
}

/// A turn without anything in it.
pub(crate) fn turn_of(id: &str, turn: u32) -> CaptureContinued {
    CaptureContinued {
        capture_id: id.to_owned(),
        turn,
        contact: Some(Contact {
            client_id: String::new(),
            name: String::new(),
            phone: "+573001234567".to_owned(),
            provider: "whatsapp_cloud".to_owned(),
            connection: "acme-chat".to_owned(),
            contact_id: "573001234567".to_owned(),
        }),
        at: Some(timestamp(now())),
        ..CaptureContinued::default()
    }
}

/// A turn with a photograph that notifications has.
pub(crate) fn photo_turn(media: &MediaDoor, id: &str, turn: u32) -> CaptureContinued {
    let file = format!("{id}-{turn}");
    media.has(&file, picture(&file));
    CaptureContinued {
        media: Some(Media {
            provider_media_id: file,
            mime_type: "image/png".to_owned(),
            ..Media::default()
        }),
        ..turn_of(id, turn)
    }
}

/// A picture with a content of its own.
pub(crate) fn picture(comment: &str) -> bytes::Bytes {
    let end = PICTURE.len() - 12;
    let mut chunk = b"tEXt".to_vec();
    chunk.extend_from_slice(b"Comment\0");
    chunk.extend_from_slice(comment.as_bytes());
    let mut picture = PICTURE[..end].to_vec();
    picture.extend_from_slice(&u32::try_from(chunk.len() - 4).unwrap().to_be_bytes());
    picture.extend_from_slice(&chunk);
    picture.extend_from_slice(&crc(&chunk).to_be_bytes());
    picture.extend_from_slice(&PICTURE[end..]);
    picture.into()
}

/// The checksum of a part of a PNG.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
