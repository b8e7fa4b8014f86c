//! The ingress service: webhooks come in once, are verified and stored durably, and become events.
//!
//! **Protocol.** A request is bounded (size, time, rate), verified over its raw bytes, translated, and handed to a
//! writer. Writers put everything that arrived meanwhile into one statement: the raw delivery, a key for every
//! happening in it, and an outbox row for every happening that is new. After that commit, and never before, the
//! provider gets its 2xx. The relay publishes from there. The broker may be down all the while; without the database
//! the answer is 503, and the provider comes again.
//!
//! Beside that it answers other services' questions about deliveries, and does deliveries again for them
//! (`infrastructure/replays.rs` tells that protocol), both with what intake leaves over.
//!
//! Must never do: wait for another service, call a provider, or answer 2xx for something that is not on disk. Nor give a
//! replayed event another id than it had, or publish one past the outbox.

mod application;
mod config;
mod domain;
mod infrastructure;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_operations::Operations;
use puente_service::peer::TrustedProxies;
use puente_service::serve::{Bounds, serve};
use puente_service::{Base, RunError, Runtime, Service, StartError, nats, outside};
use puente_vault::Connections;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use config::Config;

use infrastructure::directory::Directory;
use infrastructure::latency::Latency;
use infrastructure::limits::Limits;
use infrastructure::traffic::Traffic;
use infrastructure::{batch, grpc, http, replays, retention};

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/ingress");

/// How often sources that have been quiet are forgotten.
const FORGET_SOURCES: Duration = Duration::from_secs(30);

/// The service, bound and connected.
pub struct Ingress {
    base: Base,
    listener: TcpListener,
    connections: Connections,
    /// What the router's queue leads to, one for each writer.
    parts: Vec<batch::Part>,
    /// Requests of one statement at most.
    batch: usize,
    shared: Arc<http::Shared>,
    replaying: replays::Worker,
    routes: tonic::service::Routes,
}

impl Ingress {
    /// The address that webhooks are received on.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Service for Ingress {
    const NAME: &'static str = "ingress";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: config.listen.to_string(),
                source,
            })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            address: config.listen.to_string(),
            source,
        })?;
        let reach = config.reach();
        let masters = outside::master_keys(&config.master_key, &config.azure)?;
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        let connections = outside::connections(&base, masters, puente_providers::find).await?;
        let (queue, parts) = batch::Queue::new(config.queue, config.writers);
        let limits = Limits::new(
            config.rate_per_source,
            config.burst_per_source,
            config.keep_refused_per_second,
            config.body_memory_kib.get(),
            TrustedProxies::new(config.trusted_proxies),
        );
        let public_url = if config.public_url.is_empty() {
            format!("http://{address}")
        } else {
            config.public_url.trim_end_matches('/').to_owned()
        };
        let directory = Arc::new(Directory::new(connections.clone()));
        let latency = Arc::new(Latency::default());
        let wake = Arc::new(Notify::new());
        let replaying = replays::Worker {
            directory: directory.clone(),
            outbox: base.outbox.clone(),
            republisher: base.outbox.republisher(base.client.clone()),
            wake: wake.clone(),
            owner: replays::jobs::Owner {
                id: base.rt.replica,
                // A part of a replay takes longer than a beat of the relay.
                lease: time::Duration::milliseconds(i64::try_from(config.relay_lease_ms).unwrap_or(10_000))
                    * 3,
            },
        };
        let deliveries = grpc::Deliveries {
            readers: base.readers.clone(),
            directory: directory.clone(),
            traffic: Arc::new(Traffic::new(base.pool.clone())),
            latency: latency.clone(),
            clock: base.rt.clock.clone(),
            // Days are dropped whole, so that some are kept a little longer.
            keep: time::Duration::days(i64::from(config.keep_days.get()) + 2),
        };
        let replays = grpc::Replays {
            readers: base.readers.clone(),
            directory: directory.clone(),
            clock: base.rt.clock.clone(),
            wake,
            reach,
        };
        let operations = Operations::new(Self::NAME, base.readers.clone());
        let (client, backlog) = (base.client.clone(), base.outbox.clone());
        let shared = Arc::new(http::Shared {
            clock: base.rt.clock.clone(),
            directory,
            latency,
            queue,
            limits,
            receipt: domain::ReceiptClock::default(),
            read_timeout: Duration::from_millis(config.read_timeout_ms),
            commit_timeout: Duration::from_millis(config.commit_timeout_ms),
            public_url,
            health: Box::new(move || {
                serde_json::json!({
                    "status": "ok",
                    "version": env!("CARGO_PKG_VERSION"),
                    "broker": if nats::ready(&client).is_ok() { "connected" } else { "away" },
                    "events_waiting": backlog.backlog(),
                    "connection_cache": "memory, with a sealed copy in the database",
                })
            }),
        });
        Ok(Self {
            base,
            listener,
            connections,
            parts,
            batch: config.batch.get(),
            shared,
            replaying,
            routes: grpc::routes(deliveries, replays).add_service(operations.server()),
        })
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let (rt, pool, outbox) = (
            self.base.rt.clone(),
            self.base.pool.clone(),
            self.base.outbox.clone(),
        );
        // Webhooks are taken without the broker, so it is no condition of readiness.
        let mut running = self.base.start_without_broker();
        running.answer(self.routes);
        running.follow(self.connections);
        for part in self.parts {
            running.spawn("webhook writer", |_| {
                batch::write(outbox.clone(), part, self.batch)
            });
        }
        running.spawn("duplicate key purge", |stop| retention::purge_keys(pool, stop));
        running.spawn("replays", |stop| self.replaying.run(stop));
        let (quiet, forgetting) = (rt.clone(), self.shared.clone());
        running.spawn("source limits", |_| async move {
            while quiet.pause(FORGET_SOURCES).await {
                forgetting.limits.forget_idle();
            }
        });
        // With the router goes the queue's last sender: the writers then write the rest and end.
        serve(
            self.listener,
            http::router(self.shared),
            Bounds::default(),
            rt.shutdown,
        )
        .await
        .map_err(|error| RunError::other("webhooks can no longer be received", error))?;
        running.finish().await;
        Ok(())
    }
}
