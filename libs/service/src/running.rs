//! A service at work: what it takes in, whom it answers, what it does beside that, and the order in which all of it ends.
//!
//! Told to stop, everything finishes what it began; the relay goes on until it has, so that the last events leave with it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use async_nats::Client;
use puente_bus::topology::ConsumerSpec;
use puente_outbox::{EventHandler, Inbox};
use puente_vault::Connections;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::base::Base;
use crate::workers::Workers;

/// What a [`Base`] becomes when work begins.
pub struct Running {
    base: Base,
    workers: Workers,
}

impl Running {
    pub(crate) fn new(base: Base, broker: Option<&Client>) -> Self {
        let workers = Workers::new(&base.rt);
        workers.ready_with(&base.pool, broker);
        workers.relay(|stop| base.outbox.clone().run(base.client.clone(), stop));
        Self { base, workers }
    }

    /// The address that other services ask at; `None` without an rpc key.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    /// Has events handled; the inbox that does it can be asked to handle dead letters again.
    pub fn consume<H: EventHandler>(&self, spec: ConsumerSpec, handler: Arc<H>) -> Arc<Inbox<H>> {
        let base = &self.base;
        let inbox = Arc::new(Inbox::new(base.outbox.clone(), spec, handler));
        self.spawn("consumer", |stop| {
            puente_bus::consume(base.client.clone(), spec, base.stream, inbox.clone(), stop)
        });
        inbox
    }

    /// Follows the tenants' connections as they change.
    pub fn follow(&self, connections: Connections) {
        let client = self.base.client.clone();
        self.spawn("connections", |stop| connections.run(client, stop));
    }

    /// Answers other services, if there is a key that they are known by.
    pub fn answer(&mut self, routes: Routes) {
        self.workers
            .answer(self.base.door.take(), &self.base.readers, routes);
    }

    /// Does something that ends by itself once the token is cancelled.
    pub fn spawn<F, Fut>(&self, name: &'static str, work: F)
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.workers.spawn(name, work(self.base.rt.shutdown.clone()));
    }

    /// Waits until the service is told to stop and all of this has ended; then the relay may end, too.
    pub async fn finish(self) {
        self.workers.finish().await;
    }
}
