//! The stream's side: reading every id without its payload, and publishing.

use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, stream};
use futures::StreamExt as _;
use puente_bus::{BusError, header, topology};
use puente_telemetry::metric;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ReconcileError, Step, slice::Slice};
use crate::Committed;
use crate::late::CLOCKS;

/// Publishes under way at the same time.
const WINDOW: usize = 256;
/// The longest silence of a broker that has more to tell.
const SILENCE: Duration = Duration::from_secs(30);
/// How often the reader tells how far it is.
const TELL_EVERY: u64 = 2_000;

/// The event stream, as it was when it was opened.
pub(super) struct Road {
    js: jetstream::Context,
    stream: stream::Stream,
    from: DeliverPolicy,
}

impl Road {
    /// Opens it. `since`: only what was published since then is read.
    pub(super) async fn open(
        client: &async_nats::Client,
        since: Option<OffsetDateTime>,
    ) -> Result<Self, ReconcileError> {
        let js = jetstream::new(client.clone());
        let stream = open(&js).await?;
        let from = match since {
            Some(since) => DeliverPolicy::ByStartTime {
                start_time: since - CLOCKS,
            },
            None => DeliverPolicy::All,
        };
        Ok(Self { js, stream, from })
    }

    /// How long the stream keeps a message, if not for ever.
    pub(super) fn max_age(&self) -> Option<Duration> {
        let age = self.stream.cached_info().config.max_age;
        (!age.is_zero()).then_some(age)
    }

    /// Reads the whole stream once and gives the slice every id.
    pub(super) async fn read(
        &self,
        slice: &mut Slice,
        watch: &mut impl FnMut(Step),
    ) -> Result<(), ReconcileError> {
        let state = self
            .stream
            .get_info()
            .await
            .map_err(refused("look at the event stream"))?
            .state;
        if state.messages == 0 {
            return Ok(());
        }
        let config = OrderedConfig {
            headers_only: true,
            deliver_policy: self.from,
            ..OrderedConfig::default()
        };
        let consumer = self
            .stream
            .create_consumer(config)
            .await
            .map_err(refused("read the event stream"))?;
        if consumer.cached_info().num_pending == 0 {
            return Ok(());
        }
        let mut messages = consumer
            .messages()
            .await
            .map_err(refused("read the event stream"))?;
        let mut read = 0;
        loop {
            let next = tokio::time::timeout(SILENCE, messages.next()).await;
            let message = match next {
                Ok(Some(message)) => message.map_err(refused("read the event stream"))?,
                Ok(None) | Err(_) => return Err(refused("read the event stream")(Cut).into()),
            };
            // Messages of others are no events of ours: nothing to compare.
            let id = message
                .headers
                .as_ref()
                .and_then(|headers| headers.get(header::ID));
            if let Some(id) = id.and_then(|id| id.as_str().parse::<Uuid>().ok()) {
                slice.take(id);
            }
            read += 1;
            let place = message.info().map_err(|error| BusError::Broker {
                what: "read the event stream",
                source: error,
            })?;
            let last = place.pending == 0 || place.stream_sequence >= state.last_sequence;
            if last || read % TELL_EVERY == 0 {
                watch(Step::Reading(read, state.messages.max(read)));
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Publishes events and waits for every acknowledgement. Returns how many the stream did not hold before.
    pub(super) async fn publish(
        &self,
        service: &'static str,
        events: Vec<Committed>,
    ) -> Result<u64, ReconcileError> {
        let mut acks = futures::stream::iter(events)
            .map(|event| self.publish_one(service, event))
            .buffered(WINDOW);
        let mut new = 0;
        while let Some(published) = acks.next().await {
            new += u64::from(published?);
        }
        metric::outbox_published(service, new);
        Ok(new)
    }

    async fn publish_one(&self, service: &'static str, event: Committed) -> Result<bool, ReconcileError> {
        let envelope = event.envelope(service);
        let payload = || event.event.payload.clone();
        let ack = self
            .js
            .publish_with_headers(envelope.subject(), envelope.headers(), payload())
            .await?
            .await?;
        if !ack.duplicate {
            return Ok(true);
        }
        // Either somebody else was quicker, or the stream only remembers the id of a message that is gone.
        let id = envelope.id.to_string();
        if self.stands_at(ack.sequence, &id).await? {
            return Ok(false);
        }
        let mut headers = envelope.headers();
        headers.insert(
            async_nats::header::NATS_MESSAGE_ID,
            format!("{id}@{}", ack.sequence).as_str(),
        );
        let ack = self
            .js
            .publish_with_headers(envelope.subject(), headers, payload())
            .await?
            .await?;
        Ok(!ack.duplicate)
    }

    /// Whether the message at a place of the stream is this event.
    async fn stands_at(&self, sequence: u64, id: &str) -> Result<bool, ReconcileError> {
        match self.stream.get_raw_message(sequence).await {
            Ok(message) => Ok(message
                .headers
                .get(header::ID)
                .is_some_and(|found| found.as_str() == id)),
            Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok(false),
            Err(error) => Err(refused("look at a message")(error).into()),
        }
    }
}

async fn open(js: &jetstream::Context) -> Result<stream::Stream, ReconcileError> {
    js.get_stream(topology::EVENTS).await.map_err(|error| {
        let missing = matches!(error.kind(), GetStreamErrorKind::JetStream(answer)
            if answer.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND);
        if missing {
            ReconcileError::NoStream
        } else {
            refused("look at the event stream")(error).into()
        }
    })
}

/// When the last message before `instant` was published; `None` when there is none, or it was deleted.
pub(crate) async fn last_message_before(
    client: &async_nats::Client,
    instant: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, ReconcileError> {
    let stream = open(&jetstream::new(client.clone())).await?;
    let config = OrderedConfig {
        headers_only: true,
        deliver_policy: DeliverPolicy::ByStartTime { start_time: instant },
        ..OrderedConfig::default()
    };
    let consumer = stream
        .create_consumer(config)
        .await
        .map_err(refused("read the event stream"))?;
    // It begins at the first message since, and tells the place before it.
    let before = consumer.cached_info().delivered.stream_sequence;
    if before == 0 {
        return Ok(None);
    }
    match stream.get_raw_message(before).await {
        Ok(message) => Ok(Some(message.time)),
        Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(refused("look at a message")(error).into()),
    }
}

/// The stream of messages ended, or said nothing for too long.
#[derive(Debug, thiserror::Error)]
#[error("it fell silent")]
struct Cut;

fn refused<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> BusError {
    move |source| BusError::Broker {
        what,
        source: Box::new(source),
    }
}
