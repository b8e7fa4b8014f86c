//! The composition root: the only file that knows the concrete parts, and the order in which they end.
//!
//! At the end, consumer, workers and effects finish what they began; the relay goes on until they have, so that their last
//! events leave with it.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::{StreamSettings, consume, topology};
use puente_documents::Documents;
use puente_effects::{Effects, ManifestLookup};
use puente_http::{Http, HttpConfig};
use puente_operations::Operations;
use puente_outbox::{Inbox, Outbox, Settings};
use puente_ports::Provider;
use puente_rpc::Door;
use puente_service::{Readers, RunError, Runtime, Service, StartError, Workers, db};
use puente_typeset::Templates;
use puente_vault::oauth::TokenStore;
use puente_vault::{Connections, MasterKeys};
use puente_work::{Limits, Worker};
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::config::Config;
use crate::infrastructure::access::Access;
use crate::infrastructure::accounts::Accounts;
use crate::infrastructure::calls::Calls;
use crate::infrastructure::choose::Chooser;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::documents::KEPT;
use crate::infrastructure::executor::Caller;
use crate::infrastructure::files::MAX_BYTES;
use crate::infrastructure::grpc::{self, Answers};
use crate::infrastructure::handler::Handler;
use crate::infrastructure::poller::Poller;
use crate::infrastructure::preparer::Preparer;
use crate::infrastructure::resolve::Resolver;
use crate::infrastructure::storer::Storer;
use crate::infrastructure::texts::Texts;
use crate::infrastructure::upkeep::Upkeep;
use crate::infrastructure::work::Requests;

/// The longest call of a provider that does not say how long its calls may take.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The signature service.
pub struct Signature {
    rt: Runtime,
    pool: PgPool,
    client: async_nats::Client,
    stream: StreamSettings,
    outbox: Outbox,
    connections: Connections,
    effects: Effects<Caller>,
    handler: Arc<Handler>,
    preparers: Worker<Requests<Preparer>>,
    storers: Worker<Requests<Storer>>,
    poller: Arc<Poller>,
    upkeep: Upkeep,
    answers: Answers,
    door: Option<Door>,
    readers: Readers,
    operations: Operations,
}

impl Service for Signature {
    const NAME: &'static str = "signature";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = MasterKeys::configured(&config.master_key, &config.azure)
            .map_err(|error| StartError::other("the master key is not usable", error))?;
        let pool = db::pool(&config.database, Self::NAME, rt.replica)?;
        let api = db::api_pool(&config.database, Self::NAME, rt.replica)?;
        let registry: fn(&str) -> Option<&'static dyn Provider> = puente_providers::find;
        let connections = Connections::open_known(pool.clone(), masters.clone(), move |slug| {
            registry(slug).is_some()
        })
        .await
        .map_err(|error| StartError::other("connections cannot be read", error))?;
        let client = puente_service::nats::connect(&config.nats, "puente-signature").await?;
        // Signed documents come down by the same client.
        let settings = HttpConfig {
            max_response_bytes: MAX_BYTES,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let http = Http::timed_by(settings, rt.clock.clone())
            .map_err(|error| StartError::other("the way out to providers", error))?;
        let blobs = Blobs::open(&config.storage, rt.clock.clone())
            .map_err(|error| StartError::other("the store of documents", error))?;
        let tokens = TokenStore::new(pool.clone(), masters, rt.clock.clone());
        let access = Accounts::new(
            tokens,
            connections.clone(),
            http.clone(),
            registry,
            rt.clock.clone(),
        );
        let parts = Parts {
            pool,
            api,
            client,
            connections,
            http,
            blobs,
            access: Arc::new(access),
            registry,
            manifests: |slug| puente_providers::find(slug).map(|provider| provider.manifest()),
        };
        Self::with_parts(config, rt, parts).await
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
            preparers,
            storers,
            poller,
            upkeep,
            answers,
            door,
            readers,
            operations,
        } = self;
        let workers = Workers::new(&rt);
        workers.ready_with(&pool, Some(&client));
        let shutdown = rt.shutdown.clone();
        workers.relay(|stop| outbox.clone().run(client.clone(), stop));
        let inbox = Arc::new(Inbox::new(outbox.clone(), topology::SIGNATURE, handler));
        let consumer = consume(
            client.clone(),
            topology::SIGNATURE,
            stream,
            inbox.clone(),
            shutdown.clone(),
        );
        let documents = answers.documents.clone();
        let documents = documents.server(readers.clone(), outbox, answers.blobs.clone());
        let operations = operations.redelivers(inbox).server();
        let routes = grpc::routes(answers)
            .add_service(documents)
            .add_service(operations);
        workers.answer(door, &readers, routes);
        workers.spawn("consumer", consumer);
        workers.spawn("effects", effects.run(shutdown.clone()));
        workers.spawn("connections", connections.run(client, shutdown.clone()));
        workers.spawn("contracts", preparers.run(shutdown.clone()));
        workers.spawn("signed documents", storers.run(shutdown.clone()));
        workers.spawn("polling", poller.run(shutdown.clone()));
        workers.spawn("upkeep", upkeep.run(shutdown));
        workers.finish().await;
        Ok(())
    }
}

/// What [`Service::build`] connects to; a test brings its own.
pub struct Parts {
    /// The database as `signature_worker`.
    pub pool: PgPool,
    /// The database as `signature_api`.
    pub api: PgPool,
    /// The broker.
    pub client: async_nats::Client,
    /// The tenants' connections.
    pub connections: Connections,
    /// The way out.
    pub http: Http,
    /// The store of documents.
    pub blobs: Blobs,
    /// Access to the accounts at providers.
    pub access: Arc<dyn Access>,
    /// Finds providers.
    pub registry: fn(&str) -> Option<&'static dyn Provider>,
    /// Finds their manifests.
    pub manifests: ManifestLookup,
}

impl Signature {
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
    /// When templates are refused, the database or the store does not answer, or gRPC cannot be served.
    pub async fn with_parts(config: Config, rt: Runtime, parts: Parts) -> Result<Self, StartError> {
        let Parts {
            pool,
            api,
            client,
            connections,
            http,
            blobs,
            access,
            registry,
            manifests,
        } = parts;
        let door = Door::open(config.grpc_listen, &config.rpc_key, Self::NAME, rt.clock.clone()).await?;
        let texts = Texts::of(&config.language).ok_or_else(|| {
            let known = "there are texts in es and en only";
            StartError::other(format!("language `{}` is not known", config.language), known)
        })?;
        let templates = templates(&config.templates_dir).await?;
        let settings = Settings::configured(config.stream_replicas, config.relay_lease_ms, config.keep_days);
        let outbox = Outbox::open(pool.clone(), Self::NAME, settings).await?;
        let clock = rt.clock.clone();
        let desk = Arc::new(Desk {
            clock: clock.clone(),
            chooser: Chooser {
                connections: connections.clone(),
                registry,
            },
            work: Arc::new(Notify::new()),
        });
        let caller = Arc::new(Caller {
            desk: desk.clone(),
            outbox: outbox.clone(),
            blobs: blobs.clone(),
            access: access.clone(),
            texts,
            callback_url: config.callback_url,
        });
        let effects = Effects::new(
            outbox.clone(),
            connections.clone(),
            http.clone(),
            manifests,
            caller,
            puente_effects::Settings {
                per_connection: config.calls_per_connection.get(),
                ..puente_effects::Settings::default()
            },
        );
        let wake = || {
            let effects = effects.clone();
            Box::new(move || effects.wake()) as Box<dyn Fn() + Send + Sync>
        };
        let handler = Arc::new(Handler {
            desk: desk.clone(),
            wake: wake(),
        });
        let tick = Duration::from_millis(config.work_tick_ms.get().into());
        let limits = |parallel: NonZeroUsize| Limits {
            parallel: parallel.get(),
            lease: Duration::from_millis(config.work_lease_ms.get().into()),
            longest: Duration::from_millis(config.work_longest_ms.get().into()),
            tick,
        };
        let documents = Documents::new(&KEPT, clock.clone());
        let preparers = Requests {
            job: Preparer {
                desk: desk.clone(),
                outbox: outbox.clone(),
                blobs: blobs.clone(),
                documents: documents.clone(),
                templates: templates.clone(),
                city: config.city,
                wake: wake(),
            },
            desk: desk.clone(),
            outbox: outbox.clone(),
        };
        let calls = Calls {
            chooser: desk.chooser.clone(),
            access: access.clone(),
            http: http.clone(),
            timeout: timeouts(manifests),
        };
        let storers = Requests {
            job: Storer {
                desk: desk.clone(),
                outbox: outbox.clone(),
                blobs: blobs.clone(),
                documents: documents.clone(),
                calls: calls.clone(),
            },
            desk: desk.clone(),
            outbox: outbox.clone(),
        };
        let poller = Arc::new(Poller {
            desk: desk.clone(),
            outbox: outbox.clone(),
            calls,
            patience: Duration::from_mins(config.poll_minutes.get().into()),
            tick,
        });
        let upkeep = Upkeep {
            pool: pool.clone(),
            clock: clock.clone(),
            reports: Duration::from_hours(config.pending_report_hours.get().into()),
        };
        let readers = Readers::new(api, pool.clone());
        let resolver = Resolver {
            outbox: outbox.clone(),
            desk: desk.clone(),
            wake: wake(),
        };
        let answers = Answers {
            readers: readers.clone(),
            outbox: outbox.clone(),
            desk,
            poller: poller.clone(),
            access,
            blobs,
            documents,
            templates,
            setting: Arc::new(Semaphore::new(config.renders.get())),
            wake: wake(),
        };
        let operations = Operations::new(Self::NAME, readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(http, clock);
        Ok(Self {
            rt,
            pool,
            client,
            stream: settings.stream,
            outbox,
            connections,
            effects,
            handler,
            preparers: preparers.worker(limits(config.renders)),
            storers: storers.worker(limits(config.fetches)),
            poller,
            upkeep,
            answers,
            door,
            readers,
            operations,
        })
    }
}

/// Reads the templates; each is set once, which takes a processor for a while.
async fn templates(folder: &str) -> Result<Templates, StartError> {
    let folder = Some(folder)
        .filter(|folder| !folder.is_empty())
        .map(str::to_owned);
    let read = tokio::task::spawn_blocking(move || Templates::open(folder.as_deref().map(Path::new))).await;
    read.map_err(|error| StartError::other("the templates cannot be read", error))?
        .map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            StartError::other("the templates are refused", problems.join("; "))
        })
}

/// The longest time of a provider's calls.
fn timeouts(manifests: ManifestLookup) -> Arc<dyn Fn(&str) -> Duration + Send + Sync> {
    Arc::new(move |slug| {
        manifests(slug).map_or(USUAL_TIMEOUT, |manifest| {
            Duration::from_millis(manifest.timeout_ms)
        })
    })
}
