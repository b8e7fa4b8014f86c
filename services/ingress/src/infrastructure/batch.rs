//! Group commit: requests that arrive together are written by one statement in one commit, then answered.
//!
//! Nobody waits for a timer: a batch is what piled up during the previous commit, so a lone webhook costs one commit,
//! and batches grow by themselves under load.

mod held;
mod queue;
mod rows;
mod statements;
mod written;

use std::time::Duration;

use puente_outbox::{Committed, NewEvent, Outbox, OutboxError};
use puente_proto::Event as _;
use puente_proto::messaging::MessageReceived;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::queue::{Part, Queue, Waiting};

use self::held::Held;
use self::rows::Rows;
use self::written::Written;
use crate::application::Received;
use crate::domain::Outcome;

/// Bodies in one statement, in bytes.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Longer than the database's own limit of a statement: beyond it the connection itself hangs.
const LONGEST_COMMIT: Duration = Duration::from_secs(40);

/// After a happening that was known, others of the kind are expected for so long: a provider that comes again does so
/// with everything that it holds. PostgreSQL also notes each statement that fails in its log.
const CAREFUL: Duration = Duration::from_secs(30);

/// A connection that nobody needed for so long goes back to the pool.
const IDLE: Duration = Duration::from_secs(1);

/// One writer: takes what has piled up, commits it, answers. Ends when every sender is gone and the rest is written.
pub(crate) async fn write(outbox: Outbox, mut waiting: Part, most: usize) {
    let mut writer = Writer::of(outbox);
    while let Some(first) = writer.next(&mut waiting).await {
        // Too large by one body at most: the bound is looked at before a request is taken.
        let mut bytes = body_len(&first);
        let mut batch = vec![first];
        while batch.len() < most && bytes < MAX_BATCH_BYTES {
            let Ok(next) = waiting.try_recv() else { break };
            bytes += body_len(&next);
            batch.push(next);
        }
        writer.commit(batch).await;
    }
}

fn body_len(waiting: &Waiting) -> usize {
    waiting.received.stored.request.body.len()
}

/// What a writer keeps from one batch to the next.
struct Writer {
    outbox: Outbox,
    held: Held,
    /// Until then batches are looked at before they are written.
    careful_until: Option<Instant>,
}

impl Writer {
    fn of(outbox: Outbox) -> Self {
        Self {
            held: Held::of(outbox.pool().clone()),
            outbox,
            careful_until: None,
        }
    }

    async fn next(&mut self, waiting: &mut Part) -> Option<Waiting> {
        if self.held.is_kept() {
            if let Ok(next) = tokio::time::timeout(IDLE, waiting.recv()).await {
                return next;
            }
            self.held.give_back();
        }
        waiting.recv().await
    }

    async fn commit(&mut self, batch: Vec<Waiting>) {
        let (mut received, mut answers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        let mut memory = Vec::with_capacity(batch.len());
        for waiting in batch {
            answers.push(waiting.answer);
            received.push(waiting.received);
            memory.push(waiting.memory);
        }
        // Given up, the statement leaves its ticket doubtful: the relay finds out whether it was committed.
        let saved = tokio::time::timeout(LONGEST_COMMIT, self.save(received)).await;
        drop(memory);
        match saved.unwrap_or_else(|_| Err(OutboxError::Database(sqlx::Error::PoolTimedOut))) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                self.held.close();
                tracing::warn!(error = %error, requests = answers.len(), "webhooks could not be stored, their senders are told to come again");
                for answer in answers {
                    let _ = answer.send(Err(()));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Writes deliveries, duplicate keys and outbox rows in one commit, and hands the new events to the relay. Returns
    /// what became of each delivery.
    async fn save(&mut self, batch: Vec<Received>) -> Result<Vec<Outcome>, OutboxError> {
        let rows = Rows::of(&batch);
        let slot = self.outbox.slot();
        let ticket = self.outbox.ticket().await;
        // An error may hide a commit whose answer was lost: the ticket then is dropped, and the relay looks.
        let mut written = self.put(&rows).await?;
        // Fenced, a statement wrote nothing.
        if written.is_none() && self.outbox.takes_new_slot(slot).await {
            written = self.put(&rows).await?;
        }
        drop(rows);
        let Some(written) = written else {
            ticket.abandoned();
            return Err(OutboxError::SlotLost);
        };
        let (outcomes, committed) = told(batch, written);
        ticket.committed(committed);
        Ok(outcomes)
    }

    /// Nearly always everything is new, and to write it so costs a fifth less than to look first. Where it proves wrong,
    /// the database undoes the statement at the first key that it knows, and the careful one follows.
    async fn put(&mut self, rows: &Rows<'_>) -> Result<Option<Written>, sqlx::Error> {
        let trusting = self.careful_until.is_none_or(|until| Instant::now() >= until);
        let connection = self.held.connection().await?;
        if let Some(keys) = trusting.then(|| rows.keys()).flatten() {
            match statements::all_new(connection, &self.outbox, rows, &keys).await {
                // This error hides no commit.
                Err(error) if statements::is_known_key(&error) => {
                    self.careful_until = Some(Instant::now() + CAREFUL);
                }
                other => return other,
            }
        }
        statements::with_known(connection, &self.outbox, rows).await
    }
}

/// What became of each delivery, and the events that are on disk now, in the order of receipt.
fn told(batch: Vec<Received>, written: Written) -> (Vec<Outcome>, Vec<Committed>) {
    let mut written = written.in_turn();
    let mut committed = Vec::with_capacity(written.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for Received { stored, events } in batch {
        let before = committed.len();
        committed.extend(events.into_iter().filter_map(|(_, mut event)| {
            let row = written.of(event.id)?;
            event.aggregate_version = row.version;
            Some(Committed {
                seq: row.seq,
                event,
                at: row.at,
            })
        }));
        let nothing_new = committed.len() == before;
        outcomes.push(match stored.outcome {
            Outcome::Accepted if nothing_new => Outcome::Duplicate,
            outcome => outcome,
        });
    }
    (outcomes, committed)
}

/// The conversation that a message is counted in; other events are not counted.
pub(crate) fn conversation(event: &NewEvent) -> Option<Uuid> {
    let is_message = event.event.name == MessageReceived::TYPE.name;
    is_message.then(|| event.aggregate_id.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
