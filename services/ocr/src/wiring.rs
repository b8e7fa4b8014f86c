//! The composition root: the only file that knows the concrete parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::topology;
use puente_documents::Documents;
use puente_http::{Http, HttpConfig};
use puente_operations::{Breaker, Operations};
use puente_rpc::Peer;
use puente_service::{Base, Outside, RunError, Runtime, Service, StartError, outside};
use puente_types::Clock;
use puente_vault::Connections;
use puente_work::{Limits, Worker};
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
    base: Base,
    connections: Connections,
    handler: Arc<Handler>,
    worker: Worker<Captures>,
    chain: Arc<Chain>,
    upkeep: Upkeep,
    answers: Answers,
    operations: Operations,
}

impl Service for Ocr {
    const NAME: &'static str = "ocr";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = outside::master_keys(&config.master_key, &config.azure)?;
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        let settings = HttpConfig {
            // All text of a picture, with the place of every letter, is some megabytes at most.
            max_response_bytes: MAX_BYTES,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let outside = Outside::open(&base, masters, puente_providers::find, settings).await?;
        let blobs = Blobs::open(&config.storage, base.rt.clock.clone())
            .map_err(|error| StartError::other("the store of documents", error))?;
        Self::with_parts(config, base, Parts { outside, blobs }).await
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let (outbox, readers) = (self.base.outbox.clone(), self.base.readers.clone());
        // A tenant that has no engine but one without models gets nothing read.
        if self.chain.settings.depends_on(EMBEDDED) {
            let chain = self.chain;
            self.base.rt.ready_check("embedded engine", move || {
                let problem = chain.embedded.problem().map(str::to_owned);
                std::future::ready(problem.map_or(Ok(()), Err))
            });
        }
        let mut running = self.base.start();
        let inbox = running.consume(topology::OCR, self.handler);
        let documents = self.answers.documents.clone();
        let documents = documents.server(readers, outbox, self.answers.blobs.clone());
        let routes = grpc::routes(self.answers)
            .add_service(documents)
            .add_service(self.operations.redelivers(inbox).server());
        running.answer(routes);
        running.follow(self.connections);
        running.spawn("captures", |stop| self.worker.run(stop));
        running.spawn("upkeep", |stop| self.upkeep.run(stop));
        running.finish().await;
        Ok(())
    }
}

/// What a test brings of its own.
pub struct Parts {
    /// The tenants' connections, and the way out.
    pub outside: Outside,
    /// The store of documents.
    pub blobs: Blobs,
}

impl Ocr {
    /// Puts the service together from parts that are there already.
    ///
    /// # Errors
    /// When the configuration is refused, or there are no threads for pictures.
    pub async fn with_parts(config: Config, base: Base, parts: Parts) -> Result<Self, StartError> {
        let base = base.patient(DOOR_PATIENCE);
        let settings = Settings::check(&config, offered(parts.outside.registry))
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
        let (outbox, clock) = (base.outbox.clone(), base.rt.clock.clone());
        let media = media(&config, &clock, fetching)?;
        let threads = Pool::start(config.threads.get())
            .map_err(|error| StartError::other("there are no threads for pictures", error))?;
        let chain = Arc::new(chain(&config, &base, &parts.outside, &settings, &threads).await);
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
        let answers = Answers {
            readers: base.readers.clone(),
            outbox,
            desk: desk.clone(),
            blobs: parts.blobs,
            documents,
            waiting: Arc::new(Semaphore::new(config.callers_waiting.get())),
            most: config.waiting_max.get().into(),
        };
        let operations = Operations::new(Self::NAME, base.readers.clone())
            .indexed()
            .with_breakers(standing(parts.outside.http, clock, chain.clone()));
        Ok(Self {
            base,
            connections: parts.outside.connections,
            handler: Arc::new(Handler { desk }),
            worker,
            chain,
            upkeep,
            answers,
            operations,
        })
    }
}

/// The engines.
async fn chain(
    config: &Config,
    base: &Base,
    outside: &Outside,
    settings: &Arc<Settings>,
    threads: &Pool,
) -> Chain {
    let ways = Ways {
        pool: base.pool.clone(),
        clock: base.rt.clock.clone(),
        connections: outside.connections.clone(),
        http: outside.http.clone(),
        pace: Pace::default(),
        threads: threads.clone(),
    };
    Chain {
        settings: settings.clone(),
        pool: base.pool.clone(),
        clock: base.rt.clock.clone(),
        embedded: Embedded::open(&config.models, threads.clone()).await,
        ways: Arc::new(ways),
        registry: outside.registry,
        cached: Duration::from_hours(24) * u32::from(config.cache_days.get()),
    }
}

/// The way to notifications; none without a key to sign with.
fn media(config: &Config, clock: &Arc<dyn Clock>, patience: Duration) -> Result<Media, StartError> {
    let (url, key) = (&config.notifications_url, &config.rpc_key);
    let peer = Peer::configured(url, key, "notifications", clock.clone(), patience);
    peer.map(|way| Media::new(way, patience))
        .map_err(|error| StartError::other("notifications cannot be asked", error))
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
