//! Every event of the fleet as the broker hands it out, remembered and waited for.
//!
//! Read by an ephemeral consumer that keeps the stream's order, beside the services' own consumers: what an internal
//! team would do. Nothing the demo claims comes from inside the services.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_nats::jetstream;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use puente_bus::{Envelope, topology};
use puente_proto::Event;
use puente_service::Runtime;
use tokio::sync::watch;

/// The whole of a demo with a large load stays below; beyond it, the oldest are of no interest any more.
const MOST: usize = 500_000;

/// What was seen so far.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    seen: Arc<Mutex<Vec<Arc<Envelope>>>>,
    count: watch::Receiver<usize>,
}

impl Timeline {
    /// Follows the stream from now on. `each` is called for every event, in order.
    pub(crate) async fn follow(
        client: &async_nats::Client,
        runtime: &Runtime,
        each: impl Fn(&Envelope) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let stream = jetstream::new(client.clone());
        let stream = stream.get_stream(topology::EVENTS).await.context("the stream of events is not there")?;
        let config = pull::OrderedConfig { deliver_policy: DeliverPolicy::New, ..Default::default() };
        let consumer = stream.create_consumer(config).await.context("the events cannot be followed")?;
        let mut messages = consumer.messages().await.context("the events cannot be followed")?;
        let seen: Arc<Mutex<Vec<Arc<Envelope>>>> = Arc::default();
        let (counter, count) = watch::channel(0);
        let timeline = Self { seen: Arc::clone(&seen), count };
        let shutdown = runtime.shutdown.clone();
        runtime.spawn("demo timeline", async move {
            loop {
                let next = tokio::select! {
                    next = messages.next() => next,
                    () = shutdown.cancelled() => return Ok(()),
                };
                let Some(message) = next else { return Err(anyhow!("the stream of events ended")) };
                let message = message.context("the events cannot be followed any more")?;
                let envelope = Arc::new(Envelope::read(&message).context("an event cannot be read")?);
                each(&envelope);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.len() < MOST {
                    seen.push(envelope);
                }
                counter.send_replace(seen.len());
            }
        });
        Ok(timeline)
    }

    /// All events of one type that `keep` turns into something.
    pub(crate) fn all<E: Event, T>(&self, keep: impl Fn(&Envelope, E) -> Option<T>) -> Vec<T> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let decoded = seen.iter().filter(|envelope| envelope.is::<E>());
        decoded.filter_map(|envelope| keep(envelope, envelope.decode::<E>().ok()?)).collect()
    }

    /// Waits until `look` finds what it looks for, and looks again after every event.
    pub(crate) async fn until<T>(
        &self,
        patience: Duration,
        what: &str,
        look: impl Fn(&Self) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut count = self.count.clone();
        let wait = async {
            loop {
                count.mark_unchanged();
                if let Some(found) = look(self) {
                    return Ok(found);
                }
                count.changed().await.map_err(|_| anyhow!("the events are no longer followed"))?;
            }
        };
        let late = |_| anyhow!("waited {} s in vain for {what}", patience.as_secs());
        tokio::time::timeout(patience, wait).await.map_err(late)?
    }
}
