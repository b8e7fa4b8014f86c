//! The composition root: the only file that knows the concrete parts, and the order in which they end.
//!
//! At the end, consumer and effects finish what they began; the relay goes on until they have, so that their last events
//! leave with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_bus::{StreamSettings, consume, topology};
use puente_effects::{Effects, ManifestLookup};
use puente_http::{Http, HttpConfig};
use puente_operations::Operations;
use puente_outbox::{Inbox, Outbox, Settings};
use puente_ports::Provider;
use puente_rpc::{Calls, Door, RpcKeys};
use puente_service::{Readers, RunError, Runtime, Service, StartError, Workers, db};
use puente_types::Clock;
use puente_vault::{Connections, MasterKeys};
use sqlx::PgPool;

use crate::config::Config;
use crate::infrastructure::choose::Chooser;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::executor::Caller;
use crate::infrastructure::grpc::{self, Answers};
use crate::infrastructure::handler::Handler;
use crate::infrastructure::orders::{Orders, PATIENCE};
use crate::infrastructure::resolve::Resolver;
use crate::infrastructure::words::Words;

/// The sync service.
pub struct Sync {
    rt: Runtime,
    pool: PgPool,
    client: async_nats::Client,
    stream: StreamSettings,
    outbox: Outbox,
    connections: Connections,
    effects: Effects<Caller>,
    handler: Arc<Handler>,
    answers: Answers,
    door: Option<Door>,
    readers: Readers,
    operations: Operations,
}

impl Service for Sync {
    const NAME: &'static str = "sync";
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
        let client = puente_service::nats::connect(&config.nats, "puente-sync").await?;
        let settings = HttpConfig::reaching(config.allow_simulators);
        let http = Http::timed_by(settings, rt.clock.clone())
            .map_err(|error| StartError::other("the way out to providers", error))?;
        let parts = Parts {
            pool,
            api,
            client,
            connections,
            http,
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
            answers,
            door,
            readers,
            operations,
        } = self;
        let workers = Workers::new(&rt);
        workers.ready_with(&pool, Some(&client));
        let shutdown = rt.shutdown.clone();
        workers.relay(|stop| outbox.clone().run(client.clone(), stop));
        let inbox = Arc::new(Inbox::new(outbox, topology::SYNC, handler));
        let consumer = consume(
            client.clone(),
            topology::SYNC,
            stream,
            inbox.clone(),
            shutdown.clone(),
        );
        let operations = operations.redelivers(inbox).server();
        let routes = grpc::routes(answers).add_service(operations);
        workers.answer(door, &readers, routes);
        workers.spawn("consumer", consumer);
        workers.spawn("effects", effects.run(shutdown.clone()));
        workers.spawn("connections", connections.run(client, shutdown));
        workers.finish().await;
        Ok(())
    }
}

/// What [`Service::build`] connects to; a test brings its own.
pub struct Parts {
    /// The database as `sync_worker`.
    pub pool: PgPool,
    /// The database as `sync_api`.
    pub api: PgPool,
    /// The broker.
    pub client: async_nats::Client,
    /// The tenants' connections.
    pub connections: Connections,
    /// The way out.
    pub http: Http,
    /// Finds providers.
    pub registry: fn(&str) -> Option<&'static dyn Provider>,
    /// Finds their manifests.
    pub manifests: ManifestLookup,
}

impl Sync {
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
    /// When the configuration is refused, the database does not answer, or gRPC cannot be served.
    pub async fn with_parts(config: Config, rt: Runtime, parts: Parts) -> Result<Self, StartError> {
        let Parts {
            pool,
            api,
            client,
            connections,
            http,
            registry,
            manifests,
        } = parts;
        let door = Door::open(config.grpc_listen, &config.rpc_key, Self::NAME, rt.clock.clone()).await?;
        let orders = orders(&config, &rt.clock)?;
        let (mut named, mut languages) = (
            std::collections::BTreeMap::new(),
            std::collections::BTreeMap::new(),
        );
        for (tenant, own) in config.tenants {
            named.extend(own.connection.map(|connection| (tenant.clone(), connection)));
            languages.extend(own.language.map(|language| (tenant, language)));
        }
        let words = Words::load(&config.language, &languages)
            .map_err(|error| StartError::other("the language is refused", error))?;
        let settings = Settings::configured(config.stream_replicas, config.relay_lease_ms, config.keep_days);
        let outbox = Outbox::open(pool.clone(), Self::NAME, settings).await?;
        let desk = Arc::new(Desk {
            clock: rt.clock.clone(),
            chooser: Chooser {
                connections: connections.clone(),
                registry,
                named,
            },
            words,
            end_states: config.end_states,
            again: Duration::from_millis(config.again_ms.get().into()),
        });
        let effects = Effects::new(
            outbox.clone(),
            connections.clone(),
            http.clone(),
            manifests,
            Arc::new(Caller { desk: desk.clone() }),
            puente_effects::Settings {
                per_connection: config.calls_per_connection.get(),
                ..puente_effects::Settings::default()
            },
        );
        let wake = || {
            let effects = effects.clone();
            Box::new(move || effects.wake()) as Box<dyn Fn() + Send + std::marker::Sync>
        };
        let handler = Arc::new(Handler {
            desk: desk.clone(),
            wake: wake(),
        });
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
            orders,
            wake: wake(),
        };
        let operations = Operations::new(Self::NAME, readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(http, rt.clock.clone());
        Ok(Self {
            rt,
            pool,
            client,
            stream: settings.stream,
            outbox,
            connections,
            effects,
            handler,
            answers,
            door,
            readers,
            operations,
        })
    }
}

/// The way to orders; none without a key to sign with.
fn orders(config: &Config, clock: &Arc<dyn Clock>) -> Result<Orders, StartError> {
    let calls = if config.rpc_key.expose().is_empty() {
        None
    } else {
        let keys = RpcKeys::parse(&config.rpc_key)
            .map_err(|error| StartError::other("the rpc key is not usable", error))?;
        Some(Calls::new(keys, "orders", clock.clone(), PATIENCE))
    };
    Orders::new(&config.orders_url, calls)
        .map_err(|error| StartError::other("`orders_url` is no address", error))
}
