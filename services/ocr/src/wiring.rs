//! The composition root: the only file that knows the concrete parts, and the order in which they end.
//!
//! At the end, consumer and worker finish what they began; the relay goes on until they have, so that their last events
//! leave with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::{StreamSettings, consume, topology};
use puente_documents::Documents;
use puente_http::{Http, HttpConfig};
use puente_operations::{Breaker, Operations};
use puente_outbox::{Inbox, Outbox, Settings as OutboxSettings};
use puente_ports::Provider;
use puente_rpc::{Calls, Door, RpcKeys};
use puente_service::{Readers, RunError, Runtime, Service, StartError, Workers, db};
use puente_types::Clock;
use puente_vault::{Connections, MasterKeys};
use puente_work::{Limits, Worker};
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::config::Config;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::documents::{KEPT, MAX_BYTES};
use crate::infrastructure::engines::EMBEDDED;
use crate::infrastructure::engines::chain::{Chain, offered};
use crate::infrastructure::engines::embedded::Embedded;
use crate::infrastructure::engines::pace::Pace;
use crate::infrastructure::engines::pool::Pool;
use crate::infrastructure::engines::remote::Ways;
use crate::infrastructure::grpc::{self, Answers};
use crate::infrastructure::handler::Handler;
use crate::infrastructure::media::Media;
use crate::infrastructure::settings::Settings;
use crate::infrastructure::steps::Steps;
use crate::infrastructure::upkeep::Upkeep;
use crate::infrastructure::work::Captures;

/// A caller that waits for a reading waits for 20 seconds at most; the door is a little more patient.
const DOOR_PATIENCE: Duration = Duration::from_secs(25);

/// The ocr service.
pub struct Ocr {
    rt: Runtime,
    pool: PgPool,
    client: async_nats::Client,
    stream: StreamSettings,
    outbox: Outbox,
    connections: Connections,
    handler: Arc<Handler>,
    worker: Worker<Captures>,
    chain: Arc<Chain>,
    upkeep: Upkeep,
    answers: Answers,
    door: Option<Door>,
    readers: Readers,
    operations: Operations,
}

impl Service for Ocr {
    const NAME: &'static str = "ocr";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = MasterKeys::configured(&config.master_key, &config.azure)
            .map_err(|error| StartError::other("the master key is not usable", error))?;
        let pool = db::pool(&config.database, Self::NAME, rt.replica)?;
        let api = db::api_pool(&config.database, Self::NAME, rt.replica)?;
        let registry: fn(&str) -> Option<&'static dyn Provider> = puente_providers::find;
        let connections =
            Connections::open_known(pool.clone(), masters, move |slug| registry(slug).is_some())
                .await
                .map_err(|error| StartError::other("connections cannot be read", error))?;
        let client = puente_service::nats::connect(&config.nats, "puente-ocr").await?;
        let settings = HttpConfig {
            // All text of a picture, with the place of every letter, is some megabytes at most.
            max_response_bytes: MAX_BYTES,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let http = Http::timed_by(settings, rt.clock.clone())
            .map_err(|error| StartError::other("the way out to providers", error))?;
        let blobs = Blobs::open(&config.storage, rt.clock.clone())
            .map_err(|error| StartError::other("the store of documents", error))?;
        let parts = Parts {
            pool,
            api,
            client,
            connections,
            http,
            blobs,
            registry,
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
            handler,
            worker,
            chain,
            upkeep,
            answers,
            door,
            readers,
            operations,
        } = self;
        let workers = Workers::new(&rt);
        workers.ready_with(&pool, Some(&client));
        // A tenant that has no engine but one without models gets nothing read.
        if chain.settings.depends_on(EMBEDDED) {
            let chain = Arc::clone(&chain);
            rt.ready_check("embedded engine", move || {
                let problem = chain.embedded.problem().map(str::to_owned);
                std::future::ready(problem.map_or(Ok(()), Err))
            });
        }
        let shutdown = rt.shutdown.clone();
        workers.relay(|stop| outbox.clone().run(client.clone(), stop));
        let inbox = Arc::new(Inbox::new(outbox.clone(), topology::OCR, handler));
        let consumer = consume(
            client.clone(),
            topology::OCR,
            stream,
            inbox.clone(),
            shutdown.clone(),
        );
        let documents = answers.documents.clone();
        let documents = documents.server(readers.clone(), outbox, answers.blobs.clone());
        let routes = grpc::routes(answers)
            .add_service(documents)
            .add_service(operations.redelivers(inbox).server());
        workers.answer(door, &readers, routes);
        workers.spawn("consumer", consumer);
        workers.spawn("connections", connections.run(client, shutdown.clone()));
        workers.spawn("captures", worker.run(shutdown.clone()));
        workers.spawn("upkeep", upkeep.run(shutdown));
        workers.finish().await;
        Ok(())
    }
}

/// What [`Service::build`] connects to; a test brings its own.
pub struct Parts {
    /// The database as `ocr_worker`.
    pub pool: PgPool,
    /// The database as `ocr_api`.
    pub api: PgPool,
    /// The broker.
    pub client: async_nats::Client,
    /// The tenants' connections.
    pub connections: Connections,
    /// The way out.
    pub http: Http,
    /// The store of documents.
    pub blobs: Blobs,
    /// Finds providers.
    pub registry: fn(&str) -> Option<&'static dyn Provider>,
}

impl Ocr {
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
    /// When the configuration is refused, the database or the store does not answer, or gRPC cannot be served.
    pub async fn with_parts(config: Config, rt: Runtime, parts: Parts) -> Result<Self, StartError> {
        let settings = Settings::check(&config, offered(parts.registry))
            .map_err(|wrong| StartError::other("the configuration is refused", wrong.join("; ")))?;
        let settings = Arc::new(settings);
        let longest = Duration::from_millis(config.work_longest_ms.get().into());
        let fetching = Duration::from_millis(config.fetch_ms.get().into());
        // The embedded engine has as many turns as threads: a reading may wait for all others.
        let turns = u32::try_from(config.readings.get().div_ceil(config.threads.get())).unwrap_or(u32::MAX);
        let waiting = settings.time(EMBEDDED).saturating_mul(turns);
        if longest <= settings.longest().saturating_add(waiting).max(fetching) {
            let longer = "work_longest_ms must be longer than fetch_ms, and than all engines of a tenant and the turns of the \
                          embedded one may take";
            return Err(StartError::other("the configuration is refused", longer));
        }
        let door = Door::open(config.grpc_listen, &config.rpc_key, Self::NAME, rt.clock.clone())
            .await?
            .map(|door| door.patient(DOOR_PATIENCE));
        let media = media(&config, &rt.clock, fetching)?;
        let outbox_settings =
            OutboxSettings::configured(config.stream_replicas, config.relay_lease_ms, config.keep_days);
        let stream = outbox_settings.stream;
        let outbox = Outbox::open(parts.pool.clone(), Self::NAME, outbox_settings).await?;
        let threads = Pool::start(config.threads.get())
            .map_err(|error| StartError::other("there are no threads for pictures", error))?;
        let chain = Arc::new(chain(&config, &rt, &parts, &settings, &threads).await);
        let clock = rt.clock.clone();
        let desk = Arc::new(Desk {
            clock: clock.clone(),
            settings,
            work: Arc::new(Notify::new()),
            read: Arc::new(Notify::new()),
        });
        let documents = Documents::new(&KEPT, clock.clone());
        let steps = Steps {
            desk: desk.clone(),
            outbox: outbox.clone(),
            blobs: parts.blobs.clone(),
            documents: documents.clone(),
            media,
            chain: chain.clone(),
            threads,
            patience: Duration::from_millis(config.patience_ms.get().into()),
        };
        let tick = Duration::from_millis(config.work_tick_ms.get().into());
        let worker = Captures {
            steps: Arc::new(steps),
            desk: desk.clone(),
            outbox: outbox.clone(),
        };
        let worker = worker.worker(Limits {
            parallel: config.readings.get(),
            lease: Duration::from_millis(config.work_lease_ms.get().into()),
            longest,
            tick,
        });
        let upkeep = Upkeep {
            desk: desk.clone(),
            outbox: outbox.clone(),
            abandon: Duration::from_mins(config.abandon_minutes.get().into()),
            cached: chain.cached,
        };
        let readers = Readers::new(parts.api, parts.pool.clone());
        let answers = Answers {
            readers: readers.clone(),
            outbox: outbox.clone(),
            desk: desk.clone(),
            blobs: parts.blobs,
            documents,
            waiting: Arc::new(Semaphore::new(config.callers_waiting.get())),
            most: config.waiting_max.get().into(),
        };
        let operations = Operations::new(Self::NAME, readers.clone())
            .indexed()
            .with_breakers(standing(parts.http, clock, chain.clone()));
        Ok(Self {
            rt,
            pool: parts.pool,
            client: parts.client,
            stream,
            outbox,
            connections: parts.connections,
            handler: Arc::new(Handler { desk }),
            worker,
            chain,
            upkeep,
            answers,
            door,
            readers,
            operations,
        })
    }
}

/// The engines.
async fn chain(
    config: &Config,
    rt: &Runtime,
    parts: &Parts,
    settings: &Arc<Settings>,
    threads: &Pool,
) -> Chain {
    let ways = Ways {
        pool: parts.pool.clone(),
        clock: rt.clock.clone(),
        connections: parts.connections.clone(),
        http: parts.http.clone(),
        pace: Pace::default(),
        threads: threads.clone(),
    };
    Chain {
        settings: settings.clone(),
        pool: parts.pool.clone(),
        clock: rt.clock.clone(),
        embedded: Embedded::open(&config.models, threads.clone()).await,
        ways: Arc::new(ways),
        registry: parts.registry,
        cached: Duration::from_hours(24) * u32::from(config.cache_days.get()),
    }
}

/// The way to notifications; none without a key to sign with.
fn media(config: &Config, clock: &Arc<dyn Clock>, patience: Duration) -> Result<Media, StartError> {
    let calls = if config.rpc_key.expose().is_empty() {
        None
    } else {
        let keys = RpcKeys::parse(&config.rpc_key)
            .map_err(|error| StartError::other("the rpc key is not usable", error))?;
        Some(Calls::new(keys, "notifications", clock.clone(), patience))
    };
    Media::new(&config.notifications_url, calls, patience)
        .map_err(|error| StartError::other("`notifications_url` is no address", error))
}

/// The breakers of this replica, as health pages want them. That of the embedded engine is open without models.
fn standing(http: Http, clock: Arc<dyn Clock>, chain: Arc<Chain>) -> impl Fn() -> Vec<Breaker> {
    move || {
        let now = clock.now();
        let shown = |breaker: puente_http::breaker::Standing| Breaker {
            provider: breaker.provider,
            connection: breaker.connection.to_string(),
            state: breaker.state.as_str(),
            since: breaker.held_for.map(|held| now - held),
        };
        let embedded = Breaker {
            provider: EMBEDDED.to_owned(),
            connection: EMBEDDED.to_owned(),
            state: if chain.embedded.problem().is_none() {
                "closed"
            } else {
                "open"
            },
            since: None,
        };
        http.breakers().into_iter().map(shown).chain([embedded]).collect()
    }
}
