//! What waits for a writer. Each writer has a part of its own, and the messages of a conversation always wait in the same.
//!
//! A conversation's count stays locked until the commit that counts it on. With many conversations under way, two batches
//! taken from one queue nearly always share one: the second writer then stands still until the first one's commit is on
//! disk, and two are no faster than one.

use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::conversation;
use crate::application::Received;
use crate::domain::Outcome;

/// A request that waits for its commit, and where the answer goes.
pub(crate) struct Waiting {
    pub(crate) received: Received,
    pub(crate) answer: oneshot::Sender<Result<Outcome, ()>>,
    /// The memory of the body, given back when it is written: a sender that stops waiting does not free it.
    pub(crate) memory: Option<OwnedSemaphorePermit>,
}

/// What one writer takes from.
pub(crate) type Part = mpsc::Receiver<Waiting>;

/// There is no room.
#[derive(Debug)]
pub(crate) struct Full;

/// Where requests are handed in; bounded.
#[derive(Clone)]
pub(crate) struct Queue(Arc<[mpsc::Sender<Waiting>]>);

impl Queue {
    /// A queue for so many requests, and what each of its writers takes from.
    pub(crate) fn new(requests: NonZeroUsize, writers: NonZeroU16) -> (Self, Vec<Part>) {
        let each = requests.get().div_ceil(usize::from(writers.get()));
        let (senders, parts): (Vec<_>, Vec<_>) = (0..writers.get()).map(|_| mpsc::channel(each)).unzip();
        (Self(senders.into()), parts)
    }

    /// Hands a request in. Where its part is full, it takes another's place: that costs time at worst, never order or
    /// count.
    pub(crate) fn offer(&self, mut waiting: Waiting) -> Result<(), Full> {
        let own = place(&waiting.received, self.0.len());
        for part in self.0.iter().cycle().skip(own).take(self.0.len()) {
            match part.try_send(waiting) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => waiting = back,
            }
        }
        Err(Full)
    }

    /// Whether no part is more than half full.
    pub(crate) fn is_roomy(&self) -> bool {
        self.0
            .iter()
            .all(|part| part.capacity() > part.max_capacity() / 2)
    }
}

/// Which part a request waits in: that of its first message's conversation, otherwise any.
fn place(received: &Received, parts: usize) -> usize {
    let id = match received.events.first() {
        Some((key, event)) => conversation(event).unwrap_or(*key),
        None => received.stored.id.uuid(),
    };
    // Conversations and keys are hashes, and the end of an id is random.
    let (_, low) = id.as_u64_pair();
    usize::try_from(low % (parts.max(1) as u64)).unwrap_or(0)
}
