//! Every event of the fleet as the broker hands it out, noted in a [`Ledger`] and waited for.
//!
//! Read by an ephemeral consumer that keeps the stream's order, beside the services' own consumers: what an internal
//! team would do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_nats::jetstream;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use puente_bus::{Envelope, topology};
use puente_service::Runtime;
use tokio::sync::watch;

use crate::demo::ledger::Ledger;

/// The events since the demo began.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    ledger: Arc<Mutex<Ledger>>,
    changes: watch::Receiver<u64>,
}

impl Timeline {
    /// Follows the stream from now on. `each` is called for every event, in order.
    pub(crate) async fn follow(
        client: &async_nats::Client,
        runtime: &Runtime,
        each: impl Fn(&Envelope) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let what = "the events cannot be followed";
        let stream = jetstream::new(client.clone())
            .get_stream(topology::EVENTS)
            .await
            .context(what)?;
        let config = pull::OrderedConfig {
            deliver_policy: DeliverPolicy::New,
            ..Default::default()
        };
        let mut messages = stream
            .create_consumer(config)
            .await
            .context(what)?
            .messages()
            .await
            .context(what)?;
        let ledger: Arc<Mutex<Ledger>> = Arc::default();
        let (changed, changes) = watch::channel(0);
        let timeline = Self {
            ledger: Arc::clone(&ledger),
            changes,
        };
        let shutdown = runtime.shutdown.clone();
        runtime.spawn("demo timeline", async move {
            loop {
                let next = tokio::select! {
                    next = messages.next() => next,
                    () = shutdown.cancelled() => return Ok(()),
                };
                let message = next.ok_or_else(|| anyhow!("the stream of events ended"))?;
                let message = message.context("the events cannot be followed any more")?;
                let envelope = Envelope::read(&message).context("an event cannot be read")?;
                each(&envelope);
                ledger
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .note(&envelope);
                changed.send_modify(|count| *count += 1);
            }
            // The type of the block's errors.
            #[expect(unreachable_code, reason = "the loop ends by return only")]
            Ok::<(), anyhow::Error>(())
        });
        Ok(timeline)
    }

    /// What was seen so far.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds what it looks for; it looks again after every event.
    pub(crate) async fn until<T>(
        &self,
        patience: Duration,
        what: &str,
        look: impl Fn(&Ledger) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut changes = self.changes.clone();
        let wait = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look(&self.ledger()) {
                    return Ok(found);
                }
                changes
                    .changed()
                    .await
                    .map_err(|_| anyhow!("the events are no longer followed"))?;
            }
        };
        let late = |_| anyhow!("waited {} s in vain for {what}", patience.as_secs());
        tokio::time::timeout(patience, wait).await.map_err(late)?
    }
}
