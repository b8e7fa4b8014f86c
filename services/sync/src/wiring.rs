//! The composition root: the only file that knows the concrete parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_bus::topology;
use puente_effects::{Effects, Settings};
use puente_http::HttpConfig;
use puente_operations::Operations;
use puente_rpc::Peer;
use puente_service::{Base, Outside, RunError, Runtime, Service, StartError, outside};
use puente_vault::Connections;

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
    base: Base,
    connections: Connections,
    effects: Effects<Caller>,
    handler: Arc<Handler>,
    answers: Answers,
    operations: Operations,
}

impl Service for Sync {
    const NAME: &'static str = "sync";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let masters = outside::master_keys(&config.master_key, &config.azure)?;
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        let settings = HttpConfig::reaching(config.allow_simulators);
        let outside = Outside::open(&base, masters, puente_providers::find, settings).await?;
        Self::with_parts(config, base, outside)
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let mut running = self.base.start();
        let inbox = running.consume(topology::SYNC, self.handler);
        let operations = self.operations.redelivers(inbox).server();
        running.answer(grpc::routes(self.answers).add_service(operations));
        running.spawn("effects", |stop| self.effects.run(stop));
        running.follow(self.connections);
        running.finish().await;
        Ok(())
    }
}

impl Sync {
    /// Puts the service together; a test brings its own outside.
    ///
    /// # Errors
    /// When the configuration is refused.
    pub fn with_parts(config: Config, base: Base, outside: Outside) -> Result<Self, StartError> {
        let orders = orders(&config, &base)?;
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
        let desk = Arc::new(Desk {
            clock: base.rt.clock.clone(),
            chooser: Chooser {
                connections: outside.connections.clone(),
                registry: outside.registry,
                named,
            },
            words,
            end_states: config.end_states,
            again: Duration::from_millis(config.again_ms.get().into()),
        });
        let effects = Effects::new(
            base.outbox.clone(),
            outside.connections.clone(),
            outside.http.clone(),
            outside.registry,
            Arc::new(Caller { desk: desk.clone() }),
            Settings::configured(config.calls_per_connection),
        );
        let handler = Arc::new(Handler {
            desk: desk.clone(),
            wake: effects.waker(),
        });
        let resolver = Resolver {
            outbox: base.outbox.clone(),
            desk: desk.clone(),
            wake: effects.waker(),
        };
        let answers = Answers {
            readers: base.readers.clone(),
            outbox: base.outbox.clone(),
            desk,
            orders,
            wake: effects.waker(),
        };
        let operations = Operations::new(Self::NAME, base.readers.clone())
            .indexed()
            .resolves(Arc::new(resolver))
            .with_breakers_of(outside.http, base.rt.clock.clone());
        Ok(Self {
            base,
            connections: outside.connections,
            effects,
            handler,
            answers,
            operations,
        })
    }
}

/// The way to orders; none without a key to sign with.
fn orders(config: &Config, base: &Base) -> Result<Orders, StartError> {
    let clock = base.rt.clock.clone();
    let peer = Peer::configured(&config.orders_url, &config.rpc_key, "orders", clock, PATIENCE);
    peer.map(Orders::new)
        .map_err(|error| StartError::other("orders cannot be asked", error))
}
