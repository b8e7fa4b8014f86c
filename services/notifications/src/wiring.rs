//! The composition root: the only file that knows the concrete parts, and the order in which they end.
//!
//! At the end, consumer, effects and readers finish what they began; the relay goes on until they have, so that their
//! last events leave with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::{StreamSettings, consume, topology};
use puente_effects::{Effects, ManifestLookup};
use puente_http::{Http, HttpConfig};
use puente_operations::Operations;
use puente_outbox::{Inbox, Outbox, Settings};
use puente_ports::Provider;
use puente_rpc::Door;
use puente_service::{Readers, RunError, Runtime, Service, StartError, Workers, db};
use puente_vault::{Connections, MasterKeys};
use sqlx::PgPool;

use crate::config::Config;
use crate::domain::consent::Words;
use crate::infrastructure::desk::{Desk, Policy};
use crate::infrastructure::executor::Sender;
use crate::infrastructure::grpc;
use crate::infrastructure::handler::Handler;
use crate::infrastructure::media::{MAX_FILE, Media};
use crate::infrastructure::patience::Patience;
use crate::infrastructure::reach::Reach;
use crate::infrastructure::receipts::Registry;
use crate::infrastructure::resolve::Resolver;
use crate::infrastructure::templates::{Reader, Requests};
use crate::infrastructure::texts::Texts;
use crate::infrastructure::upkeep::Upkeep;

/// A message whose replica died is delivered again one `ack_wait` later; the next replica may die as well. Shorter than
/// the inbox's patience with events that come early.
const REDELIVERIES: u32 = 3;

/// The notifications service.
pub struct Notifications {
    rt: Runtime,
    pool: PgPool,
    client: async_nats::Client,
    stream: StreamSettings,
    outbox: Outbox,
    connections: Connections,
    effects: Effects<Sender>,
    handler: Arc<Handler>,
    reader: Reader,
    media: Media,
    upkeep: Upkeep,
    door: Option<Door>,
    readers: Readers,
    operations: Operations,
}

impl Service for Notifications {
    const NAME: &'static str = "notifications";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = MasterKeys::configured(&config.master_key, &config.azure)
            .map_err(|error| StartError::other("the master key is not usable", error))?;
        let pool = db::pool(&config.database, Self::NAME, rt.replica)?;
        let api = db::api_pool(&config.database, Self::NAME, rt.replica)?;
        let registry: Registry = puente_providers::find;
        let connections =
            Connections::open_known(pool.clone(), masters, move |slug| registry(slug).is_some())
                .await
                .map_err(|error| StartError::other("connections cannot be read", error))?;
        let client = puente_service::nats::connect(&config.nats, "puente-notifications").await?;
        // Files of messages come down by the same client.
        let settings = HttpConfig {
            max_response_bytes: MAX_FILE,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let http = Http::timed_by(settings, rt.clock.clone())
            .map_err(|error| StartError::other("the way out to providers", error))?;
        let blobs = match &config.storage.link_key {
            Some(_) => Some(
                Blobs::open(&config.storage, rt.clock.clone())
                    .map_err(|error| StartError::other("the store of documents", error))?,
            ),
            None => None,
        };
        let manifests = |slug: &str| puente_providers::find(slug).map(|provider| provider.manifest());
        Self::with_parts(
            config,
            rt,
            Parts {
                pool,
                api,
                client,
                connections,
                http,
                blobs,
                registry,
                manifests,
            },
        )
        .await
    }

    async fn run(self) -> Result<(), RunError> {
        let Self {
            rt,
            pool,
            client,
            stream,
            outbox,
            connections,
            effects,
            handler,
            reader,
            media,
            upkeep,
            door,
            readers,
            operations,
        } = self;
        let workers = Workers::new(&rt);
        workers.ready_with(&pool, Some(&client));
        let shutdown = rt.shutdown.clone();
        workers.relay(|stop| outbox.clone().run(client.clone(), stop));
        let inbox = Arc::new(Inbox::new(outbox, topology::NOTIFICATIONS, handler));
        let consumer = consume(
            client.clone(),
            topology::NOTIFICATIONS,
            stream,
            inbox.clone(),
            shutdown.clone(),
        );
        let operations = operations.redelivers(inbox).server();
        let routes = grpc::routes(&readers, &rt.clock, media).add_service(operations);
        workers.answer(door, &readers, routes);
        workers.spawn("consumer", consumer);
        workers.spawn("effects", effects.run(shutdown.clone()));
        workers.spawn("connections", connections.run(client, shutdown.clone()));
        workers.spawn("templates", reader.run(shutdown.clone()));
        workers.spawn("upkeep", upkeep.run(shutdown));
        workers.finish().await;
        Ok(())
    }
}

/// What [`Service::build`] connects to; a test brings its own.
pub struct Parts {
    /// The database as `notifications_worker`.
    pub pool: PgPool,
    /// The database as `notifications_api`.
    pub api: PgPool,
    /// The broker.
    pub client: async_nats::Client,
    /// The tenants' connections.
    pub connections: Connections,
    /// The way out.
    pub http: Http,
    /// Where files of messages are stored; none are without it.
    pub blobs: Option<Blobs>,
    /// Finds providers.
    pub registry: fn(&str) -> Option<&'static dyn Provider>,
    /// Finds their manifests.
    pub manifests: ManifestLookup,
}

impl Notifications {
    /// The address that other services ask at; `None` without an rpc key.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.door.as_ref().map(Door::address).transpose()
    }

    /// Puts the service together from parts that are there already.
    ///
    /// # Errors
    /// When the texts are refused, or the database does not answer.
    pub async fn with_parts(config: Config, rt: Runtime, parts: Parts) -> Result<Self, StartError> {
        let Parts {
            pool,
            api,
            client,
            connections,
            http,
            blobs,
            registry,
            manifests,
        } = parts;
        let door = Door::open(config.grpc_listen, &config.rpc_key, Self::NAME, rt.clock.clone()).await?;
        let folder = Some(config.texts_dir.as_str())
            .filter(|folder| !folder.is_empty())
            .map(Path::new);
        let texts = Texts::load(folder).map_err(|error| StartError::other("the texts are refused", error))?;
        for language in config.languages.values().chain([&config.language]) {
            if !texts.has_language(language) {
                let known = "there are texts in es and en only";
                return Err(StartError::other(
                    format!("language `{language}` is not known"),
                    known,
                ));
            }
        }
        let settings = Settings::configured(config.stream_replicas, config.relay_lease_ms, config.keep_days);
        let outbox = Outbox::open(pool.clone(), Self::NAME, settings).await?;
        let listings = Arc::new(Requests::default());
        let desk = Arc::new(Desk {
            clock: rt.clock.clone(),
            texts,
            policy: Policy {
                language: config.language,
                languages: config.languages,
                trust_unknown_templates: config.trust_unknown_templates,
                confirm_consent: config.confirm_consent,
                words: Words::new(&config.stop_words, &config.start_words),
                prices: config.prices,
            },
            patience: Patience::new(Duration::from_millis(config.patience_ms)),
            redelivery: Patience::new(topology::NOTIFICATIONS.ack_wait * REDELIVERIES),
            listings: listings.clone(),
        });
        let sender = Arc::new(Sender {
            desk: desk.clone(),
            pool: pool.clone(),
            registry,
        });
        let effects = Effects::new(
            outbox.clone(),
            connections.clone(),
            http.clone(),
            manifests,
            sender,
            puente_effects::Settings {
                per_connection: config.calls_per_connection.get(),
                ..puente_effects::Settings::default()
            },
        );
        let runner = effects.clone();
        let handler = Arc::new(Handler {
            desk,
            registry,
            reach: Reach {
                connections: connections.clone(),
                registry,
            },
            wake: Box::new(move || runner.wake()),
        });
        let breakers = http.clone();
        let media = Media::new(connections.clone(), Arc::new(http.clone()), registry, blobs);
        let reader = Reader {
            pool: pool.clone(),
            clock: rt.clock.clone(),
            connections: connections.clone(),
            http: Arc::new(http),
            registry,
            requests: listings,
            every: Duration::from_mins(u64::from(config.template_refresh_minutes.get())),
        };
        let upkeep = Upkeep {
            pool: pool.clone(),
            clock: rt.clock.clone(),
            receipts: Duration::from_hours(u64::from(config.pending_receipt_hours.get())),
            messages: Duration::from_hours(24 * u64::from(config.message_days.get())),
        };
        let readers = Readers::new(api, pool.clone());
        let runner = effects.clone();
        let resolver = Resolver {
            outbox: outbox.clone(),
            clock: rt.clock.clone(),
            wake: Box::new(move || runner.wake()),
        };
        let operations = Operations::new(Self::NAME, readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(breakers, rt.clock.clone());
        Ok(Self {
            rt,
            pool,
            client,
            stream: settings.stream,
            outbox,
            connections,
            effects,
            handler,
            reader,
            media,
            upkeep,
            door,
            readers,
            operations,
        })
    }
}
