//! Reading the accounts' templates: now and then, and soon after somebody missed one.
//!
//! Reading changes nothing at the provider, so it is a plain call and no effect. One replica reads a connection's
//! list at a time, and none reads it again before it is old. Decisions only ever look at the table.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use puente_ports::{CallCtx, Connection, MessageChannel, Outbound, ProviderError, Registry};
use puente_types::{Clock, ConnectionId};
use puente_vault::Connections;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::infrastructure::store::template;

/// Connections that may be asked about at the same time; more are read when their time comes.
const CAPACITY: usize = 1_000;
/// How often it is looked whether a list has become old.
const LOOK: Duration = Duration::from_secs(30);
/// A list that is asked for again sooner is not read again: a wrong text must not turn into a stream of calls.
const FRESH: Duration = Duration::from_secs(20);
/// How long a reader has beyond the call itself; a failed reading is not repeated before.
const MARGIN: Duration = Duration::from_secs(10);

/// Connections whose templates somebody missed.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    wanted: Mutex<HashSet<ConnectionId>>,
    notify: Notify,
}

impl Requests {
    /// Asks for a connection's templates.
    pub(crate) fn ask(&self, connection: ConnectionId) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.len() < CAPACITY {
            wanted.insert(connection);
        }
        drop(wanted);
        self.notify.notify_one();
    }

    fn take(&self) -> HashSet<ConnectionId> {
        std::mem::take(&mut self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads lists.
pub(crate) struct Reader {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: Connections,
    pub(crate) http: Arc<dyn Outbound>,
    pub(crate) registry: Registry,
    pub(crate) requests: Arc<Requests>,
    /// How old a list may become.
    pub(crate) every: Duration,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("no answer in time")]
    Late,
}

impl Reader {
    /// Reads until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut versions = self.connections.versions();
        while !shutdown.is_cancelled() {
            let wanted = self.requests.take();
            for connection in self.connections.all().iter() {
                if shutdown.is_cancelled() {
                    return;
                }
                let Some(provider) = (self.registry)(&connection.provider) else {
                    continue;
                };
                let Some(channel) = provider.message() else {
                    continue;
                };
                let timeout = Duration::from_millis(provider.manifest().timeout_ms);
                let age = if wanted.contains(&connection.id) {
                    FRESH
                } else {
                    self.every
                };
                if let Err(error) = self.read(connection, channel, age, timeout).await {
                    tracing::warn!(
                        provider = connection.provider,
                        connection.id = %connection.id,
                        tenant.id = %connection.tenant,
                        error = %error,
                        "the templates of {} cannot be read yet", connection.id
                    );
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.requests.notify.notified() => {}
                _ = versions.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn read(
        &self,
        connection: &Connection,
        channel: &dyn MessageChannel,
        age: Duration,
        timeout: Duration,
    ) -> Result<(), ReadError> {
        let as_of = self.clock.now();
        let until = as_of + timeout + MARGIN;
        let mut held = self.pool.acquire().await?;
        let ours = template::claim(
            &mut held,
            &connection.tenant,
            &connection.id,
            as_of - age,
            as_of,
            until,
        )
        .await?;
        drop(held);
        if !ours {
            return Ok(());
        }
        let ctx = CallCtx {
            connection,
            http: &*self.http,
            idempotency_key: "",
            deadline: timeout,
            traceparent: None,
        };
        let listed = tokio::time::timeout(timeout + MARGIN, channel.templates(ctx)).await;
        let templates = listed.map_err(|_| ReadError::Late)??;
        let mut tx = self.pool.begin().await?;
        template::listed(
            &mut tx,
            &connection.tenant,
            &connection.id,
            &templates,
            as_of,
            self.clock.now(),
        )
        .await?;
        tx.commit().await?;
        tracing::debug!(connection.id = %connection.id, count = templates.len(), "templates read");
        Ok(())
    }
}
