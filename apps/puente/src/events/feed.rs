//! An ordered reading of the event stream that leaves nothing behind and goes on over restarts of the broker.
//!
//! The consumer is ephemeral, in the broker's memory, without acknowledgements; the broker deletes it seconds after
//! nobody listens. A missing number, a missed heartbeat or a new connection ends it, and the next one begins a little
//! before the last event shown: by time, not by number, because a broker that lost its disk counts from 1 again. What
//! was shown already is known by number and time together.

use std::time::Duration;

use anyhow::anyhow;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, push};
use async_nats::jetstream::stream::{ConsumerCreateStrictError, ConsumerCreateStrictErrorKind as Kind};
use async_nats::jetstream::{self, ErrorCode};
use futures::StreamExt as _;
use puente_bus::topology;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use super::broker::{Broker, Told, without_secrets};
use crate::exit::{Done, Failed};

/// The broker deletes the consumer so long after its reader went away.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);
/// A broker that says nothing for twice as long has forgotten the consumer.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The pause before a consumer is asked for again.
const AGAIN: Duration = Duration::from_millis(250);
/// How much earlier than the last event a new reading begins: more than brokers' clocks differ in a cluster.
const OVERLAP: time::Duration = time::Duration::seconds(10);

/// Where a reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the next event.
    New,
    /// With the first one stored at or after this time.
    Time(OffsetDateTime),
    /// With this number of the stream.
    Sequence(u64),
}

/// A message and its place in the stream.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The message.
    pub(crate) message: async_nats::Message,
    /// Its number.
    pub(crate) sequence: u64,
    /// When the broker stored it.
    pub(crate) stored_at: OffsetDateTime,
    /// The first of a stream that counts anew: the broker lost its disk, and events come again under the ids they had.
    pub(crate) counts_anew: bool,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message.
    Taken(Box<Taken>),
    /// All that matched is read; more may come.
    Drained,
    /// The reading was interrupted; the next call begins anew.
    Interrupted,
}

/// The reading.
#[derive(Debug)]
pub(crate) struct Feed {
    broker: Broker,
    filter: String,
    start: Start,
    /// When the first consumer was made: nothing older is shown by a reading that began with the next event.
    began: OffsetDateTime,
    last: Option<(u64, OffsetDateTime)>,
    reading: Option<Reading>,
}

/// One consumer.
struct Reading {
    messages: push::Messages,
    next_number: u64,
    /// How many wait, until it was told that none do.
    pending: Option<u64>,
    connects: u64,
}

impl Feed {
    /// Begins to read, or says why that cannot be.
    pub(crate) async fn begin(broker: Broker, filter: String, start: Start, url: &str) -> Done<Self> {
        let mut feed = Self {
            broker,
            filter,
            start,
            began: OffsetDateTime::UNIX_EPOCH,
            last: None,
            reading: None,
        };
        match feed.read(policy(start)).await {
            Ok((reading, made_at)) => {
                feed.began = made_at;
                feed.reading = Some(reading);
                Ok(feed)
            }
            Err(trouble) => Err(trouble.told(&feed.filter, &without_secrets(url))),
        }
    }

    /// Waits for what comes next. Fails only when going on makes no sense. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Done<Next> {
        loop {
            let Some(reading) = &mut self.reading else {
                self.reading = Some(self.read_on().await?);
                continue;
            };
            if reading.pending == Some(0) {
                reading.pending = None;
                return Ok(Next::Drained);
            }
            let next = tokio::select! {
                next = reading.messages.next() => next,
                () = reconnected(&mut self.broker.told, reading.connects) => None,
            };
            let Some(Ok(message)) = next else {
                self.reading = None;
                return Ok(Next::Interrupted);
            };
            let Ok(info) = message.info() else {
                continue; // no message of the stream
            };
            if info.consumer_sequence != reading.next_number {
                self.reading = None;
                return Ok(Next::Interrupted);
            }
            reading.next_number += 1;
            reading.pending = reading.pending.map(|_| info.pending);
            let (sequence, stored_at) = (info.stream_sequence, info.published);
            if self.is_shown(sequence, stored_at) {
                continue;
            }
            let counts_anew = self.last.is_some_and(|(last, _)| sequence <= last);
            self.last = Some((sequence, stored_at));
            return Ok(Next::Taken(Box::new(Taken {
                message: message.message,
                sequence,
                stored_at,
                counts_anew,
            })));
        }
    }

    fn is_shown(&self, sequence: u64, stored_at: OffsetDateTime) -> bool {
        match self.last {
            Some((last, at)) => sequence <= last && stored_at <= at,
            None => self.start == Start::New && stored_at < self.began,
        }
    }

    /// Begins again where the last reading ended; as often as it takes.
    async fn read_on(&mut self) -> Done<Reading> {
        let policy = match (self.last, self.start) {
            (Some((_, at)), _) => DeliverPolicy::ByStartTime {
                start_time: at.saturating_sub(OVERLAP),
            },
            (None, Start::New) => DeliverPolicy::ByStartTime {
                start_time: self.began,
            },
            (None, start) => self::policy(start),
        };
        loop {
            match self.read(policy).await {
                Ok((reading, _)) => return Ok(reading),
                Err(Trouble::Denied(reason)) => return Err(denied(&self.filter, &reason)),
                // Away, or its stream is not declared again yet.
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn read(&mut self, deliver_policy: DeliverPolicy) -> Result<(Reading, OffsetDateTime), Trouble> {
        let client = &self.broker.client;
        let connects = self.broker.told.borrow_and_update().connects;
        let config = push::Config {
            name: Some(format!("tail_{}", Uuid::now_v7().simple())),
            description: Some("puente events tail".to_owned()),
            deliver_subject: client.new_inbox(),
            deliver_policy,
            ack_policy: AckPolicy::None,
            filter_subject: self.filter.clone(),
            max_deliver: 1,
            flow_control: true,
            idle_heartbeat: HEARTBEAT,
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..push::Config::default()
        };
        let stream = jetstream::new(client.clone());
        // Never `create_or_update`: a name that exists already is somebody else's.
        let made = tokio::select! {
            made = stream.create_consumer_strict_on_stream(config, topology::EVENTS) => made.map_err(Trouble::of)?,
            reason = refused(&mut self.broker.told) => return Err(Trouble::Denied(reason)),
        };
        let made: Consumer<push::Config> = made;
        let (pending, made_at) = (made.cached_info().num_pending, made.cached_info().created);
        let messages = made.messages().await.map_err(|_| Trouble::Away)?;
        let reading = Reading {
            messages,
            next_number: 1,
            pending: Some(pending),
            connects,
        };
        Ok((reading, made_at))
    }
}

fn policy(start: Start) -> DeliverPolicy {
    match start {
        Start::New => DeliverPolicy::New,
        Start::Time(start_time) => DeliverPolicy::ByStartTime { start_time },
        Start::Sequence(start_sequence) => DeliverPolicy::ByStartSequence {
            start_sequence: start_sequence.max(1),
        },
    }
}

/// Waits for a connection after this one: the broker may have forgotten the consumer meanwhile.
async fn reconnected(told: &mut watch::Receiver<Told>, connects: u64) {
    if told.wait_for(|told| told.connects > connects).await.is_err() {
        std::future::pending::<()>().await; // no more news: the client is closed
    }
}

/// Waits for a refusal that came after the last look.
async fn refused(told: &mut watch::Receiver<Told>) -> String {
    loop {
        if told.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let denied = told.borrow_and_update().denied.clone();
        if let Some(reason) = denied {
            return reason;
        }
    }
}

/// Why a reading does not begin.
#[derive(Debug)]
enum Trouble {
    /// This user may not.
    Denied(String),
    /// The broker has no such stream.
    NoStream,
    /// The broker keeps no streams.
    NoJetStream,
    /// The broker does not answer.
    Away,
    /// Its own words.
    Other(String),
}

impl Trouble {
    fn of(error: ConsumerCreateStrictError) -> Self {
        match error.kind() {
            Kind::JetStream(error) => match error.error_code() {
                ErrorCode::STREAM_NOT_FOUND => Self::NoStream,
                ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
                    Self::NoJetStream
                }
                _ => Self::Other(error.to_string()),
            },
            Kind::TimedOut | Kind::Request => Self::Away,
            _ => Self::Other(error.to_string()),
        }
    }

    fn told(self, filter: &str, url: &str) -> Failed {
        Failed::from(match self {
            Self::Denied(reason) => return denied(filter, &reason),
            Self::NoStream => anyhow!(
                "the broker at {url} has no stream {} yet: the services declare it when they start",
                topology::EVENTS
            ),
            Self::NoJetStream => anyhow!("the broker at {url} keeps no streams: start it with JetStream"),
            Self::Away => anyhow!("the broker at {url} does not answer"),
            Self::Other(reason) => anyhow!("the broker at {url} refuses: {reason}"),
        })
    }
}

fn denied(filter: &str, reason: &str) -> Failed {
    Failed::from(anyhow!(
        "this user may not read `{filter}`: {reason}. Name a tenant or subject that it may read (--tenant), or see \
         docs/how-to/subscribe.md for the permissions it needs"
    ))
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("next_number", &self.next_number)
            .finish_non_exhaustive()
    }
}
