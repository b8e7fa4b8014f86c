//! The consume loop: fetch a batch, hand it over, acknowledge what was committed.
//!
//! The loop never gives up: a lost broker, a deleted consumer or a wiped disk is waited out and declared again.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, AckKind, consumer, stream::ConsumerError};
use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::topology::{ConsumerSpec, EVENTS};
use crate::{BusError, Envelope, EnvelopeError, StreamSettings, declare};

/// The longest pause between attempts to reach the broker.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A delivered message.
#[derive(Debug)]
pub struct Received {
    /// The event, or why the message is none.
    pub event: Result<Envelope, EnvelopeError>,
    /// The subject as delivered.
    pub subject: String,
    /// How often it was delivered, this time included.
    pub delivered: i64,
    /// Its place in the stream.
    pub stream_sequence: u64,
}

/// What becomes of a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Committed, a duplicate, or stored as a dead letter: never again.
    Ack,
    /// Deliver again after this long.
    Retry(Duration),
}

/// Works delivered messages.
#[async_trait]
pub trait BatchHandler: Send + Sync + 'static {
    /// Works a batch and says, in the same order, what becomes of each message. What it acknowledges is committed.
    async fn handle(&self, batch: &[Received]) -> Vec<Disposition>;
}

/// Consumes until `shutdown`, then lets running batches finish and acknowledges them.
pub async fn consume<H: BatchHandler>(
    client: async_nats::Client,
    spec: ConsumerSpec,
    settings: StreamSettings,
    handler: Arc<H>,
    shutdown: CancellationToken,
) {
    let running = TaskTracker::new();
    let mut pause = Duration::from_millis(50);
    while !shutdown.is_cancelled() {
        match pull(&client, spec, settings, &handler, &running, &shutdown).await {
            Ok(got_any) => {
                if got_any {
                    pause = Duration::from_millis(50);
                }
            }
            Err(error) => {
                tracing::warn!(consumer = spec.durable, error = %chain(&error), "consumer interrupted, will be declared again");
            }
        }
        let _ = tokio::time::timeout(pause, shutdown.cancelled()).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    running.close();
    running.wait().await;
    let _ = client.flush().await;
}

/// One life of the pull subscription; returns whether anything came.
async fn pull<H: BatchHandler>(
    client: &async_nats::Client,
    spec: ConsumerSpec,
    settings: StreamSettings,
    handler: &Arc<H>,
    running: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<bool, BusError> {
    let consumer = ensure(client, spec, settings).await?;
    let stream = consumer
        .stream()
        .max_messages_per_batch(spec.batch * spec.workers)
        .expires(Duration::from_secs(10))
        .heartbeat(Duration::from_secs(3))
        .messages()
        .await
        .map_err(|e| BusError::broker("open the message stream")(Box::new(e)))?;
    let mut batches = stream.ready_chunks(spec.batch);
    let slots = Arc::new(Semaphore::new(spec.workers));
    let mut got_any = false;
    loop {
        let batch = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(got_any),
            batch = batches.next() => batch,
        };
        let Some(batch) = batch else { return Ok(got_any) };
        let mut failure = None;
        let mut messages = Vec::with_capacity(batch.len());
        for item in batch {
            match item {
                Ok(message) => messages.push(message),
                Err(error) => failure = Some(error),
            }
        }
        if !messages.is_empty() {
            got_any = true;
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return Ok(got_any);
            };
            let handler = handler.clone();
            running.spawn(async move {
                work(&*handler, messages).await;
                drop(slot);
            });
        }
        if let Some(error) = failure {
            return Err(BusError::broker("read messages")(Box::new(error)));
        }
    }
}

/// Hands a batch to the handler and acknowledges.
async fn work<H: BatchHandler>(handler: &H, messages: Vec<jetstream::Message>) {
    let batch: Vec<Received> = messages.iter().map(received).collect();
    let dispositions = handler.handle(&batch).await;
    debug_assert_eq!(dispositions.len(), messages.len());
    for (message, disposition) in messages.iter().zip(dispositions) {
        let kind = match disposition {
            Disposition::Ack => AckKind::Ack,
            Disposition::Retry(after) => AckKind::Nak(Some(after)),
        };
        if let Err(error) = message.ack_with(kind).await {
            // Not acknowledged means delivered again, which the inbox swallows.
            tracing::debug!(error = %error, "acknowledgement not sent");
        }
    }
}

fn received(message: &jetstream::Message) -> Received {
    let (delivered, stream_sequence) = message
        .info()
        .map_or((1, 0), |info| (info.delivered, info.stream_sequence));
    Received {
        event: Envelope::read(&message.message),
        subject: message.subject.chars().take(200).collect(),
        delivered,
        stream_sequence,
    }
}

/// Makes the consumer, and the stream first where it is gone.
async fn ensure(
    client: &async_nats::Client,
    spec: ConsumerSpec,
    settings: StreamSettings,
) -> Result<consumer::PullConsumer, BusError> {
    let js = jetstream::new(client.clone());
    let config = consumer::pull::Config {
        durable_name: Some(spec.durable.to_owned()),
        filter_subjects: spec.filters(),
        deliver_policy: consumer::DeliverPolicy::All,
        ack_policy: consumer::AckPolicy::Explicit,
        ack_wait: spec.ack_wait,
        // Dead letters are written by the handler at `max_deliver`; the broker never gives up by itself, since an
        // event that it gave up on would be silently lost.
        max_deliver: -1,
        max_ack_pending: spec.max_ack_pending,
        ..Default::default()
    };
    let create = async |config| {
        let stream = js
            .get_stream_no_info(EVENTS)
            .await
            .map_err(|e| BusError::broker("find the stream")(Box::new(e)))?;
        Ok::<_, BusError>(stream.create_consumer(config).await)
    };
    match create(config.clone()).await? {
        Ok(consumer) => Ok(consumer),
        Err(first) => {
            let first: ConsumerError = first;
            tracing::debug!(consumer = spec.durable, error = %first, "consumer not made at once, declaring the stream");
            declare(client, settings).await?;
            create(config)
                .await?
                .map_err(|e| BusError::broker("declare the consumer")(Box::new(e)))
        }
    }
}

/// An error with its causes, for logs.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
