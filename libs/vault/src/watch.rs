//! Following the bucket: open it, take everything it holds, then every change, and start over whenever in doubt.
//!
//! The client's own watcher resumes after its last sequence number when the connection returns. That is wrong
//! after a broker came back with an empty disk, where numbers start over, so every reconnect watches anew.
//! Starting over is cheap, because what is already held is recognised and left alone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::kv::{self, Operation};
use futures::StreamExt;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::book::Change;
use crate::bucket;
use crate::store::{Connections, StoreError};

/// How often the client's own counters are looked at; costs no traffic.
const GLANCE: Duration = Duration::from_millis(250);

/// After how many glances the broker is asked whether the bucket is still the same: every 5 seconds.
const GLANCES_PER_CHECK: u32 = 20;

/// How many entries are taken in before readers see them; bounds memory, and saves a new snapshot per entry.
const BATCH: usize = 256;

/// Waits between attempts: fast at first, since a reload should be seen within a second.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the bucket cannot be opened")]
    Bucket(#[source] async_nats::Error),
    #[error("the watch broke off")]
    Watch(#[source] async_nats::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why watching starts over without anything having failed.
#[derive(Debug, Clone, Copy)]
enum Again {
    Ended,
    Reconnected,
    NewBucket,
}

pub(crate) async fn run(connections: &Connections, client: &Client, shutdown: &CancellationToken) {
    let mut wait = FIRST_WAIT;
    loop {
        let followed = tokio::select! {
            () = shutdown.cancelled() => return,
            followed = follow(connections, client, &mut wait) => followed,
        };
        match followed {
            Ok(Again::Reconnected) => continue,
            Ok(why) => tracing::warn!(?why, "The bucket of connections is watched anew"),
            Err(error) => {
                let cause = std::error::Error::source(&error)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                tracing::warn!(%error, %cause, "Connections stay as they are: {error}");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
    }
}

/// Watches until there is a reason to start over.
async fn follow(
    connections: &Connections,
    client: &Client,
    wait: &mut Duration,
) -> Result<Again, WatchError> {
    let mut glance = tokio::time::interval(GLANCE);
    glance.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while client.connection_state() != State::Connected {
        glance.tick().await;
    }
    let connects = || client.statistics().connects.load(Ordering::Relaxed);
    let connects_before = connects();
    let store = bucket::ensure(client)
        .await
        .map_err(|e| WatchError::Bucket(e.into()))?;
    let created = store.stream.cached_info().created;
    let watch = store
        .watch_with_history(">")
        .await
        .map_err(|e| WatchError::Watch(e.into()))?;
    let mut batches = watch.ready_chunks(BATCH);
    let mut glances = 0;
    loop {
        tokio::select! {
            batch = batches.next() => {
                let Some(batch) = batch else { return Ok(Again::Ended) };
                take(connections, batch).await?;
                *wait = FIRST_WAIT;
            }
            _ = glance.tick() => {
                if connects() != connects_before {
                    return Ok(Again::Reconnected);
                }
                glances += 1;
                if glances % GLANCES_PER_CHECK == 0 {
                    connections.tidy();
                }
                if glances % GLANCES_PER_CHECK == 0 && client.connection_state() == State::Connected {
                    let info = store.stream.get_info().await.map_err(|e| WatchError::Bucket(e.into()))?;
                    if info.created != created {
                        return Ok(Again::NewBucket);
                    }
                    *wait = FIRST_WAIT;
                }
            }
        }
    }
}

/// Takes in a batch up to its first error.
async fn take(
    connections: &Connections,
    batch: Vec<Result<kv::Entry, kv::WatcherError>>,
) -> Result<(), WatchError> {
    let mut changes = Vec::with_capacity(batch.len());
    let mut failure = None;
    for item in batch {
        match item {
            Ok(entry) => changes.push(Change {
                key: entry.key,
                revision: entry.revision,
                value: (entry.operation == Operation::Put).then_some(entry.value),
            }),
            Err(error) => {
                failure = Some(WatchError::Watch(error.into()));
                break;
            }
        }
    }
    connections.take(changes).await?;
    failure.map_or(Ok(()), Err)
}
