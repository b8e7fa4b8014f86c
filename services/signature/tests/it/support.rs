//! A stage: database, broker, a folder of documents, the running service, and a provider that the test plays.

mod asking;
mod fake;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use puente_bus::Envelope;
use puente_proto::orders::{Contact, Quotation, SignatureRequested, SigningParty};
use puente_proto::signature::SignatureTroubled;
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus, SignerReport, SignerStatus};
use puente_proto::{Event, timestamp};
use puente_service::{Base, Overrides, Runtime, Service};
use puente_signature::{Config, Parts, Signature};
use puente_testkit::service::{Ground, connection, envelope, outside};
use puente_testkit::wait_for;
use puente_types::EventId;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use asking::Asking;
pub(crate) use fake::{Accounts, Fake, Kept, Reply, pdf};
pub(crate) use puente_testkit::service::{PATIENCE, tenant};

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

/// What tests set otherwise.
#[derive(Clone, Copy)]
struct Settings {
    poll_minutes: u32,
    doubt_ms: u32,
}

const USUAL: Settings = Settings {
    poll_minutes: 60,
    doubt_ms: 50,
};

pub(crate) struct Stage {
    ground: Ground,
    /// Where the first replica is asked.
    pub(crate) grpc: SocketAddr,
}

impl Deref for Stage {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Stage {
    /// Everything running, for the tenants `acme` (connection `acme-sign`) and `other` (connection `other-sign`); the tenant
    /// `poor` has no connection.
    pub(crate) async fn set() -> Self {
        Self::set_so(USUAL).await
    }

    /// The same; a quiet envelope is asked for after so many minutes.
    pub(crate) async fn set_with(poll_minutes: u32) -> Self {
        Self::set_so(Settings {
            poll_minutes,
            ..USUAL
        })
        .await
    }

    /// The same; a call that was cut off may be under way for an hour.
    pub(crate) async fn set_doubting() -> Self {
        let doubt_ms = 3_600_000;
        Self::set_so(Settings { doubt_ms, ..USUAL }).await
    }

    async fn set_so(settings: Settings) -> Self {
        let ground = Ground::lay(
            "signature",
            &puente_outbox::MIGRATIONS,
            &puente_signature::MIGRATIONS,
        );
        let mut stage = Self {
            ground: ground.await,
            grpc: ([127, 0, 0, 1], 0).into(),
        };
        stage.grpc = stage.start_with(&stage.rt, settings).await;
        stage
    }

    /// One more replica on the same database, broker and folder; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime) -> SocketAddr {
        self.start_with(rt, USUAL).await
    }

    /// The same; a quiet envelope is asked for after so many minutes.
    pub(crate) async fn start_polling(&self, rt: &Runtime, poll_minutes: u32) -> SocketAddr {
        self.start_with(
            rt,
            Settings {
                poll_minutes,
                ..USUAL
            },
        )
        .await
    }

    async fn start_with(&self, rt: &Runtime, settings: Settings) -> SocketAddr {
        let overrides = Overrides::default()
            .set("callback_url", "https://hooks.example")
            .set("work_tick_ms", 50)
            .set("poll_minutes", settings.poll_minutes)
            .set("doubt_ms", settings.doubt_ms);
        let config: Config = self.config("signature", Signature::DEFAULTS, overrides);
        let connections = vec![
            connection("acme-sign", "acme", "fake"),
            connection("other-sign", "other", "fake"),
        ];
        let parts = Parts {
            outside: outside(connections, fake::find),
            blobs: self.blobs(),
            access: Arc::new(Accounts),
        };
        let base = Base::open("signature", config.base(), rt.clone()).await;
        let service = Signature::with_parts(config, base.expect("servers that answer"), parts)
            .await
            .expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    /// Publishes an event as another service would.
    pub(crate) async fn publish<E: Event>(&self, tenant_name: &str, aggregate: &str, event: &E) -> EventId {
        let trace = if E::TYPE.name == EnvelopeChanged::TYPE.name {
            CALLBACK
        } else {
            TRACE
        };
        let event = Envelope {
            aggregate_version: Some(1),
            traceparent: Some(format!("00-{trace}-00f067aa0ba902b7-01")),
            ..envelope(tenant_name, aggregate, event)
        };
        self.send(&event).await;
        event.id
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

    /// What waits for a better time is due now.
    pub(crate) async fn time_passes(&self) {
        sqlx::query("UPDATE effects SET not_before = now() WHERE state = 'due'")
            .execute(&self.pool)
            .await
            .expect("the effects");
    }

    /// Until a call waits for a better time.
    pub(crate) async fn put_off(&self) {
        let later =
            "SELECT count(*) FROM effects WHERE state = 'due' AND not_before > now() + interval '10 seconds'";
        wait_for("a call that waits", PATIENCE, async || {
            self.count(later).await == 1
        })
        .await;
    }

    /// The problems of a request, as they were told; an empty one is the end of the one before.
    pub(crate) async fn problems(&self, id: &str) -> Vec<String> {
        let told: Vec<SignatureTroubled> = self.told(id).await;
        told.into_iter().map(|trouble| trouble.code).collect()
    }

    /// The states of a request's signers: client, service provider, agent.
    pub(crate) async fn signers(&self, id: &str) -> Vec<String> {
        sqlx::query_scalar("SELECT state FROM signers WHERE request_id::text = $1 ORDER BY position")
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .expect("the signers")
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
