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
use puente_outbox::{Outbox, Settings};
use puente_rpc::Door;
use puente_service::serve::{Bounds, serve};
use puente_service::{Readers, RunError, Runtime, Service, StartError, Workers, db, nats};
use puente_vault::{Connections, MasterKeys};
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

/// The service, bound and connected.
pub struct Ingress {
    listener: TcpListener,
    router: axum::Router,
    rt: Runtime,
    workers: Workers,
    door: Option<Door>,
    readers: Readers,
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

    /// The address that other services ask at; `None` without an rpc key.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.door.as_ref().map(Door::address).transpose()
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
        let door = Door::open(config.grpc_listen, &config.rpc_key, Self::NAME, rt.clock.clone()).await?;
        let masters = MasterKeys::configured(&config.master_key, &config.azure)
            .map_err(|error| StartError::other("the master key cannot be used", error))?;
        let pool = db::pool(&config.database, Self::NAME, rt.replica)?;
        let api = db::api_pool(&config.database, Self::NAME, rt.replica)?;
        let readers = Readers::new(api, pool.clone());
        let client = nats::connect(&config.nats, Self::NAME).await?;
        let settings = Settings::configured(config.stream_replicas, config.relay_lease_ms, config.keep_days);
        let outbox = Outbox::open(pool.clone(), Self::NAME, settings).await?;
        let connections = Connections::open_known(pool.clone(), masters, |slug| {
            puente_providers::find(slug).is_some()
        })
        .await
        .map_err(|error| StartError::other("the connections cannot be loaded", error))?;

        let (queue, parts) = batch::Queue::new(config.queue, config.writers);
        let workers = Workers::new(&rt);
        for part in parts {
            let writer = batch::write(outbox.clone(), part, config.batch.get());
            workers.spawn("webhook writer", writer);
        }
        workers.relay(|stop| outbox.clone().run(client.clone(), stop));
        workers.spawn(
            "connections",
            connections.clone().run(client.clone(), rt.shutdown.clone()),
        );
        workers.spawn(
            "duplicate key purge",
            retention::purge_keys(pool.clone(), rt.shutdown.clone()),
        );
        // Webhooks are taken without the broker, so it is no condition of readiness.
        workers.ready_with(&pool, None);

        let limits = Limits::new(
            config.rate_per_source,
            config.burst_per_source,
            config.keep_refused_per_second,
            config.body_memory_kib.get(),
            config.trusted_proxies,
        );
        let public_url = if config.public_url.is_empty() {
            format!("http://{address}")
        } else {
            config.public_url.trim_end_matches('/').to_owned()
        };
        let backlog = outbox.clone();
        let directory = Arc::new(Directory::new(connections));
        let latency = Arc::new(Latency::default());
        let wake = Arc::new(Notify::new());
        let replaying = replays::Worker {
            directory: directory.clone(),
            outbox: outbox.clone(),
            republisher: outbox.republisher(client.clone()),
            wake: wake.clone(),
            owner: replays::jobs::Owner {
                id: rt.replica,
                // A part of a replay takes longer than a beat of the relay.
                lease: time::Duration::milliseconds(i64::try_from(config.relay_lease_ms).unwrap_or(10_000))
                    * 3,
            },
        };
        workers.spawn("replays", replaying.run(rt.shutdown.clone()));
        let deliveries = grpc::Deliveries {
            readers: readers.clone(),
            directory: directory.clone(),
            traffic: Arc::new(Traffic::new(pool.clone())),
            latency: latency.clone(),
            clock: rt.clock.clone(),
            // Days are dropped whole, so that some are kept a little longer.
            keep: time::Duration::days(i64::from(config.keep_days.get()) + 2),
        };
        let replays = grpc::Replays {
            readers: readers.clone(),
            directory: directory.clone(),
            clock: rt.clock.clone(),
            wake,
            // Days are dropped whole and later than that, those of every service by the same rule.
            reach: time::Duration::days(i64::from(config.keep_days.get())) - time::Duration::HOUR,
        };
        let operations = Operations::new(Self::NAME, readers.clone());
        let shared = Arc::new(http::Shared {
            clock: rt.clock.clone(),
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
        let forgetting = shared.clone();
        let quiet = rt.clone();
        workers.spawn("source limits", async move {
            while quiet.pause(Duration::from_secs(30)).await {
                forgetting.limits.forget_idle();
            }
        });
        Ok(Self {
            listener,
            router: http::router(shared),
            rt,
            workers,
            door,
            readers,
            routes: grpc::routes(deliveries, replays).add_service(operations.server()),
        })
    }

    async fn run(self) -> Result<(), RunError> {
        let shutdown = self.rt.shutdown.clone();
        self.workers.answer(self.door, &self.readers, self.routes);
        // The router, and with it the queue's sender, is dropped here: the writers then write the rest and end.
        serve(self.listener, self.router, Bounds::default(), shutdown)
            .await
            .map_err(|error| RunError::other("webhooks can no longer be received", error))?;
        self.workers.finish().await;
        Ok(())
    }
}
