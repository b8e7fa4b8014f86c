//! Publishing committed events again, because an operator asked for it.
//!
//! A repeated event has its id, payload and time of then, and the header `puente-replay` with the replay's id. The
//! stream drops what carries a `Nats-Msg-Id` that it saw within its duplicate window, so a replay uses one of its own:
//! `<event id>/<replay id>`. Within one replay an event that is sent twice, say after a crash, still is one message.
//! Inboxes know events by their ids and swallow what they have handled.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use futures::StreamExt as _;
use puente_bus::{Envelope, header};
use puente_telemetry::metric;
use uuid::Uuid;

use crate::{Committed, Outbox};

/// Publishes under way at the same time; small, for the relay comes first.
const WINDOW: usize = 128;
/// How long the broker may take for one acknowledgement.
const ACK_PATIENCE: Duration = Duration::from_secs(5);

/// The broker did not confirm everything; what is repeated with the same replay id is a duplicate to the stream.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not confirm all events")]
pub struct NotConfirmed(#[from] jetstream::context::PublishError);

/// Publishes events of one service's outbox again.
#[derive(Clone)]
pub struct Republisher {
    js: jetstream::Context,
    service: &'static str,
}

impl Outbox {
    /// A publisher of what this outbox holds.
    #[must_use]
    pub fn republisher(&self, client: async_nats::Client) -> Republisher {
        let js = jetstream::ContextBuilder::new()
            .timeout(ACK_PATIENCE)
            .max_ack_inflight(WINDOW * 2)
            .backpressure_on_inflight(true)
            .build(client);
        Republisher {
            js,
            service: self.inner.service,
        }
    }
}

impl Republisher {
    /// Publishes these events for `replay`, in their order, and waits until the stream holds all of them.
    ///
    /// # Errors
    /// [`NotConfirmed`]: some may be in the stream. Say it again with the same replay.
    pub async fn again(&self, replay: Uuid, events: Vec<Committed>) -> Result<(), NotConfirmed> {
        let count = events.len() as u64;
        let mut acks = futures::stream::iter(events)
            .map(|row| one(self.js.clone(), row.envelope(self.service), replay))
            .buffered(WINDOW);
        while let Some(ack) = acks.next().await {
            ack?;
        }
        metric::outbox_published(self.service, count);
        Ok(())
    }
}

async fn one(
    js: jetstream::Context,
    envelope: Envelope,
    replay: Uuid,
) -> Result<(), jetstream::context::PublishError> {
    let headers = headers(&envelope, replay);
    js.publish_with_headers(envelope.subject(), headers, envelope.payload)
        .await?
        .await?;
    Ok(())
}

fn headers(envelope: &Envelope, replay: Uuid) -> HeaderMap {
    let mut headers = envelope.headers();
    headers.insert(
        async_nats::header::NATS_MESSAGE_ID,
        format!("{}/{replay}", envelope.id).as_str(),
    );
    headers.insert(header::REPLAY, replay.to_string().as_str());
    headers
}
