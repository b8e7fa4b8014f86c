//! A stage: database, broker, a folder of photographs, notifications' door, the running service, and engines that the test
//! plays.

mod asking;
mod eyes;
mod media;

use std::net::SocketAddr;
use std::ops::Deref;

use puente_bus::Envelope;
use puente_ocr::{Config, Ocr, Parts};
use puente_ports::{Connection, Registry};
use puente_proto::messaging::Media;
use puente_proto::notifications::MessageRequested;
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::{CaptureContinued, Contact};
use puente_proto::timestamp;
use puente_service::{Base, Overrides, Runtime, Service};
use puente_testkit::service::{Ground, envelope, outside};
use puente_testkit::wait_for;
use puente_types::EventId;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use asking::Asking;
pub(crate) use eyes::{Eyes, Reply};
pub(crate) use media::MediaDoor;
pub(crate) use puente_testkit::service::{KEY, PATIENCE, connection};

/// The trace of turns.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// What stands on the plate that our own engine reads.
pub(crate) const SERIAL: &str = "C2MNF9YS";
/// A picture without any text.
const PICTURE: &[u8] = include_bytes!("support/photo.png");

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
    ground: Ground,
    pub(crate) media: MediaDoor,
    overrides: Overrides,
    registry: Registry,
    connections: Vec<Connection>,
    /// Where the first replica is asked.
    pub(crate) grpc: SocketAddr,
}

impl Deref for Stage {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

/// The engine `eye_a` alone, and little patience.
pub(crate) fn usual() -> Overrides {
    Overrides::default()
        .set("engines", vec!["eye_a"])
        .set("patience_ms", 1_000)
        // A reading that the test holds does not end by itself meanwhile.
        .set("engine_ms", 120_000)
        .set("work_longest_ms", 1_200_000)
}

/// The same with patience: what fails for now is tried again, also when a slow machine gets to it late.
pub(crate) fn patient() -> Overrides {
    usual().set("patience_ms", 600_000)
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
        let ground = Ground::lay("ocr", &puente_outbox::MIGRATIONS, &puente_ocr::MIGRATIONS).await;
        let media = MediaDoor::open(ground.blobs()).await;
        let mut stage = Self {
            ground,
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
            .set("storage.link_key", KEY)
            .set("notifications_url", format!("http://{}", self.media.address))
            .set("work_tick_ms", 50);
        let config: Config = self.config("ocr", Ocr::DEFAULTS, overrides);
        let parts = Parts {
            outside: outside(self.connections.clone(), self.registry),
            blobs: self.blobs(),
        };
        let base = Base::open("ocr", config.base(), rt.clone()).await;
        let service = Ocr::with_parts(config, base.expect("servers that answer"), parts)
            .await
            .expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    /// Publishes a turn as orders would.
    pub(crate) async fn publish(&self, tenant_name: &str, continued: &CaptureContinued) -> EventId {
        let id = EventId::new();
        self.send(tenant_name, id, continued).await;
        id
    }

    /// Publishes a turn as an event with this id.
    pub(crate) async fn send(&self, tenant_name: &str, id: EventId, continued: &CaptureContinued) {
        let turn = Envelope {
            id,
            aggregate_version: Some(continued.turn.into()),
            traceparent: Some(format!("00-{TRACE}-00f067aa0ba902b7-01")),
            ..envelope(tenant_name, &continued.capture_id, continued)
        };
        self.ground.send(&turn).await;
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
}

pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Our own engine alone, with the models that `make tools` fetches.
pub(crate) fn embedded() -> Overrides {
    let models = puente_testkit::tools()
        .plate_models()
        .expect("`make tools` fetched the models");
    usual()
        .set("engines", vec!["embedded"])
        .set("models", models.display().to_string())
        // A machine on which everything is built and tested at once has little time for each.
        .set("engine_ms", 60_000)
        .set("work_longest_ms", 600_000)
}

/// A photograph of a plate that is read with certainty; `n` makes it another one.
pub(crate) fn plate(n: usize) -> Vec<u8> {
    [include_bytes!("support/plate.jpg").as_slice(), &vec![0; n]].concat()
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
