//! What a service stands on that works on events: its tables, the broker, its outbox, and the door where it is asked.

use std::net::SocketAddr;
use std::time::Duration;

use async_nats::Client;
use puente_bus::StreamSettings;
use puente_outbox::{Outbox, Settings};
use puente_rpc::Door;
use puente_types::Secret;
use sqlx::PgPool;

use crate::config::{DatabaseConfig, NatsConfig};
use crate::readers::Readers;
use crate::running::Running;
use crate::runtime::Runtime;
use crate::service::StartError;
use crate::{db, nats};

/// What the configuration of such a service says of it.
#[derive(Debug, Clone, Copy)]
pub struct BaseConfig<'a> {
    /// Where its tables are.
    pub database: &'a DatabaseConfig,
    /// Where the broker is.
    pub nats: &'a NatsConfig,
    /// How events are published and kept.
    pub outbox: Settings,
    /// Where other services ask it.
    pub grpc_listen: SocketAddr,
    /// The key of callers' tokens; empty: nobody is answered.
    pub rpc_key: &'a Secret,
}

/// Gives a service's configuration the function `base`, which makes a [`BaseConfig`] of its keys: those have the same names
/// in every service, and stand beside its own, since an unknown key must be a mistake.
#[macro_export]
macro_rules! base_config {
    ($config:ty) => {
        impl $config {
            /// What the service stands on.
            #[must_use]
            pub fn base(&self) -> $crate::BaseConfig<'_> {
                $crate::BaseConfig {
                    database: &self.database,
                    nats: &self.nats,
                    outbox: puente_outbox::Settings::configured(
                        self.stream_replicas,
                        self.relay_lease_ms,
                        self.keep_days,
                    ),
                    grpc_listen: self.grpc_listen,
                    rpc_key: &self.rpc_key,
                }
            }
        }
    };
}

/// Everything of it, opened: nothing is published, taken or answered before [`Base::start`].
pub struct Base {
    /// What the service lives in.
    pub rt: Runtime,
    /// Its tables, as its worker.
    pub pool: PgPool,
    /// Its tables, for whoever asks it.
    pub readers: Readers,
    /// The broker.
    pub client: Client,
    /// Its events, on their way out.
    pub outbox: Outbox,
    pub(crate) stream: StreamSettings,
    pub(crate) door: Option<Door>,
}

impl Base {
    /// That of the service of this name.
    ///
    /// # Errors
    /// When the configuration cannot be used, the database does not answer, or the door's address is taken.
    pub async fn open(
        service: &'static str,
        config: BaseConfig<'_>,
        rt: Runtime,
    ) -> Result<Self, StartError> {
        let door = Door::open(config.grpc_listen, config.rpc_key, service, rt.clock.clone()).await?;
        let pool = db::pool(config.database, service, rt.replica)?;
        let api = db::api_pool(config.database, service, rt.replica)?;
        let client = nats::connect(config.nats, &format!("puente-{service}")).await?;
        let outbox = Outbox::open(pool.clone(), service, config.outbox).await?;
        Ok(Self {
            rt,
            readers: Readers::new(api, pool.clone()),
            pool,
            client,
            outbox,
            stream: config.outbox.stream,
            door,
        })
    }

    /// The same, for a service whose callers may ask it to wait for something: answers may take so long.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.door = self.door.map(|door| door.patient(patience));
        self
    }

    /// The address that other services ask at; `None` without an rpc key.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.door.as_ref().map(Door::address).transpose()
    }

    /// Begins to publish. The service is ready while its tables and the broker are.
    #[must_use]
    pub fn start(self) -> Running {
        let broker = self.client.clone();
        Running::new(self, Some(&broker))
    }

    /// The same for a service that works without the broker, too.
    #[must_use]
    pub fn start_without_broker(self) -> Running {
        Running::new(self, None)
    }
}
