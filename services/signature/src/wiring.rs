//! The composition root: the only file that knows the concrete parts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::topology;
use puente_documents::Documents;
use puente_effects::{Effects, Settings};
use puente_http::HttpConfig;
use puente_operations::Operations;
use puente_ports::Registry;
use puente_service::{Base, Outside, RunError, Runtime, Service, StartError, outside};
use puente_typeset::Templates;
use puente_vault::Connections;
use puente_vault::oauth::TokenStore;
use puente_work::{Limits, Worker};
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
    base: Base,
    connections: Connections,
    effects: Effects<Caller>,
    handler: Arc<Handler>,
    preparers: Worker<Requests<Preparer>>,
    storers: Worker<Requests<Storer>>,
    poller: Arc<Poller>,
    upkeep: Upkeep,
    answers: Answers,
    operations: Operations,
}

impl Service for Signature {
    const NAME: &'static str = "signature";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = outside::master_keys(&config.master_key, &config.azure)?;
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        // Signed documents come down by the same client.
        let settings = HttpConfig {
            max_response_bytes: MAX_BYTES,
            ..HttpConfig::reaching(config.allow_simulators)
        };
        let outside = Outside::open(&base, masters.clone(), puente_providers::find, settings).await?;
        let blobs = Blobs::open(&config.storage, base.rt.clock.clone())
            .map_err(|error| StartError::other("the store of documents", error))?;
        let tokens = TokenStore::new(base.pool.clone(), masters, base.rt.clock.clone());
        let (renewals, stop) = (tokens.clone(), base.rt.shutdown.clone());
        base.rt.spawn("token renewals", async move {
            stop.cancelled().await;
            renewals.finished().await;
            Ok::<_, Infallible>(())
        });
        let access = Accounts::new(tokens, outside.clone(), base.rt.clock.clone());
        let parts = Parts {
            outside,
            blobs,
            access: Arc::new(access),
        };
        Self::with_parts(config, base, parts).await
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let (outbox, readers) = (self.base.outbox.clone(), self.base.readers.clone());
        let mut running = self.base.start();
        let inbox = running.consume(topology::SIGNATURE, self.handler);
        let documents = self.answers.documents.clone();
        let documents = documents.server(readers, outbox, self.answers.blobs.clone());
        let routes = grpc::routes(self.answers)
            .add_service(documents)
            .add_service(self.operations.redelivers(inbox).server());
        running.answer(routes);
        running.follow(self.connections);
        running.spawn("effects", |stop| self.effects.run(stop));
        running.spawn("contracts", |stop| self.preparers.run(stop));
        running.spawn("signed documents", |stop| self.storers.run(stop));
        running.spawn("polling", |stop| self.poller.run(stop));
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
    /// Access to the accounts at providers.
    pub access: Arc<dyn Access>,
}

impl Signature {
    /// Puts the service together from parts that are there already.
    ///
    /// # Errors
    /// When the language or a template is refused.
    pub async fn with_parts(config: Config, base: Base, parts: Parts) -> Result<Self, StartError> {
        let Parts {
            outside,
            blobs,
            access,
        } = parts;
        let texts = Texts::of(&config.language).ok_or_else(|| {
            let known = "there are texts in es and en only";
            StartError::other(format!("language `{}` is not known", config.language), known)
        })?;
        let templates = templates(&config.templates_dir).await?;
        let (outbox, clock) = (base.outbox.clone(), base.rt.clock.clone());
        let desk = Arc::new(Desk {
            clock: clock.clone(),
            chooser: Chooser {
                connections: outside.connections.clone(),
                registry: outside.registry,
            },
            work: Arc::new(Notify::new()),
        });
        let caller = Arc::new(Caller {
            desk: desk.clone(),
            outbox: outbox.clone(),
            blobs: blobs.clone(),
            access: access.clone(),
            texts,
            doubt: Duration::from_millis(config.doubt_ms.get().into()),
            callback_url: config.callback_url,
        });
        let effects = Effects::new(
            outbox.clone(),
            outside.connections.clone(),
            outside.http.clone(),
            outside.registry,
            caller,
            Settings::configured(config.calls_per_connection),
        );
        let handler = Arc::new(Handler {
            desk: desk.clone(),
            wake: effects.waker(),
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
                wake: effects.waker(),
            },
            desk: desk.clone(),
            outbox: outbox.clone(),
        };
        let calls = Calls {
            chooser: desk.chooser.clone(),
            access: access.clone(),
            http: outside.http.clone(),
            timeout: timeouts(outside.registry),
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
        });
        let upkeep = Upkeep {
            pool: base.pool.clone(),
            clock: clock.clone(),
            reports: Duration::from_hours(config.pending_report_hours.get().into()),
        };
        let resolver = Resolver {
            outbox: outbox.clone(),
            desk: desk.clone(),
            wake: effects.waker(),
        };
        let answers = Answers {
            readers: base.readers.clone(),
            outbox,
            desk,
            poller: poller.clone(),
            access,
            blobs,
            documents,
            templates,
            setting: Arc::new(Semaphore::new(config.renders.get())),
            wake: effects.waker(),
        };
        let operations = Operations::new(Self::NAME, base.readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(outside.http, clock);
        Ok(Self {
            base,
            connections: outside.connections,
            effects,
            handler,
            preparers: preparers.worker(limits(config.renders)),
            storers: storers.worker(limits(config.fetches)),
            poller,
            upkeep,
            answers,
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
fn timeouts(registry: Registry) -> Arc<dyn Fn(&str) -> Duration + Send + Sync> {
    Arc::new(move |slug| {
        registry(slug).map_or(USUAL_TIMEOUT, |provider| {
            Duration::from_millis(provider.manifest().timeout_ms)
        })
    })
}
