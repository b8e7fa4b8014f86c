//! The workers of a service that publishes: they make events, and the relay outlives them.

use std::convert::Infallible;
use std::future::Future;

use async_nats::Client;
use puente_rpc::Door;
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::readers::Readers;
use crate::runtime::Runtime;
use crate::{db, nats};

/// A service's running workers and relay. When it is dropped, the relay is told to end.
pub struct Workers {
    rt: Runtime,
    tasks: TaskTracker,
    relay: DropGuard,
}

impl Workers {
    /// None yet.
    #[must_use]
    pub fn new(rt: &Runtime) -> Self {
        Self {
            rt: rt.clone(),
            tasks: TaskTracker::new(),
            relay: CancellationToken::new().drop_guard(),
        }
    }

    /// Runs the relay: `run` gets the token that is cancelled when the last worker has ended, so that the workers' last
    /// events leave with it.
    pub fn relay<F, Fut>(&self, run: F)
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.rt.spawn("relay", endless(run(self.relay.token().clone())));
    }

    /// Runs a worker that ends by itself once the service is told to stop.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let token = self.tasks.token();
        self.rt.spawn(
            name,
            endless(async move {
                work.await;
                drop(token);
            }),
        );
    }

    /// Adds the readiness checks of a service with a database and, where it cannot work without, a broker.
    pub fn ready_with(&self, pool: &PgPool, broker: Option<&Client>) {
        let pool = pool.clone();
        self.rt.ready_check("database", move || {
            let pool = pool.clone();
            async move { db::ready(&pool).await }
        });
        if let Some(client) = broker.cloned() {
            self.rt
                .ready_check("broker", move || std::future::ready(nats::ready(&client)));
        }
    }

    /// Answers other services behind `door`, if there is one, and is ready only while the pool of the API role is: it is
    /// what they are answered from.
    pub fn answer(&self, door: Option<Door>, readers: &Readers, routes: Routes) {
        let Some(door) = door else { return };
        self.rt
            .spawn("grpc", door.serve(routes, self.rt.shutdown.clone()));
        let pool = readers.api().clone();
        self.rt.ready_check("database of queries", move || {
            let pool = pool.clone();
            async move { db::ready(&pool).await }
        });
    }

    /// Waits until the service is told to stop and every worker has ended; then the relay may end, too.
    pub async fn finish(self) {
        self.rt.shutdown.cancelled().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A task that ends only when it is told to.
async fn endless(work: impl Future<Output = ()>) -> Result<(), Infallible> {
    work.await;
    Ok(())
}
