//! Group commit: requests that arrive together are written by one statement in one commit, then answered.
//!
//! Nobody waits for a timer: a batch is what piled up during the previous commit, so a lone webhook costs one commit,
//! and batches grow by themselves under load.

mod queue;
mod rows;
mod statements;

use std::collections::HashMap;
use std::time::Duration;

use puente_outbox::{Committed, NewEvent, Outbox, OutboxError};
use puente_proto::Event as _;
use puente_proto::messaging::MessageReceived;
use puente_types::EventId;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::queue::{Queue, Waiting};

use self::queue::Part;
use self::rows::Rows;
use self::statements::Written;
use crate::application::Received;
use crate::domain::Outcome;

/// Bodies in one statement, in bytes.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Longer than the database's own limit of a statement: beyond it the connection itself hangs.
const LONGEST_COMMIT: Duration = Duration::from_secs(40);

/// After a happening that was known, others of the kind are expected for so long: a provider that comes again does so
/// with everything that it holds. PostgreSQL also notes each statement that fails in its log.
const CAREFUL: Duration = Duration::from_secs(30);

/// One writer: takes what has piled up, commits it, answers. Ends when every sender is gone and the rest is written.
pub(crate) async fn write(outbox: Outbox, mut waiting: Part, most: usize) {
    let mut trust = Trust::default();
    while let Some(first) = waiting.recv().await {
        // Too large by one body at most: the bound is looked at before a request is taken.
        let mut bytes = body_len(&first);
        let mut batch = vec![first];
        while batch.len() < most && bytes < MAX_BATCH_BYTES {
            let Ok(next) = waiting.try_recv() else { break };
            bytes += body_len(&next);
            batch.push(next);
        }
        commit(&outbox, batch, &mut trust).await;
    }
}

fn body_len(waiting: &Waiting) -> usize {
    waiting.received.stored.request.body.len()
}

async fn commit(outbox: &Outbox, batch: Vec<Waiting>, trust: &mut Trust) {
    let (mut received, mut answers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    let mut memory = Vec::with_capacity(batch.len());
    for waiting in batch {
        answers.push(waiting.answer);
        received.push(waiting.received);
        memory.push(waiting.memory);
    }
    // Given up, the statement leaves its ticket doubtful: the relay finds out whether it was committed.
    let saved = tokio::time::timeout(LONGEST_COMMIT, save(outbox, received, trust)).await;
    drop(memory);
    match saved.unwrap_or_else(|_| Err(OutboxError::Database(sqlx::Error::PoolTimedOut))) {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            tracing::warn!(error = %error, requests = answers.len(), "webhooks could not be stored, their senders are told to come again");
            for answer in answers {
                let _ = answer.send(Err(()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Whether the next batch is taken to hold nothing that is known already.
#[derive(Default)]
struct Trust {
    careful_until: Option<Instant>,
}

impl Trust {
    fn holds(&self) -> bool {
        self.careful_until.is_none_or(|until| Instant::now() >= until)
    }

    fn lost(&mut self) {
        self.careful_until = Some(Instant::now() + CAREFUL);
    }
}

/// Writes deliveries, duplicate keys and outbox rows in one commit, and hands the new events to the relay. Returns what
/// became of each delivery.
///
/// Nearly always everything is new, and to write it so costs a fifth less than to look first. Where it proves wrong,
/// the database undoes the statement at the first key that it knows, and the careful one follows.
async fn save(outbox: &Outbox, batch: Vec<Received>, trust: &mut Trust) -> Result<Vec<Outcome>, OutboxError> {
    let rows = Rows::of(&batch);
    let ticket = outbox.ticket().await;
    // An error may hide a commit whose answer was lost: the ticket then is dropped, and the relay looks. The one of a
    // known key hides none.
    let new = trust.holds().then(|| rows.keys()).flatten();
    let written = match new {
        Some(keys) => match statements::all_new(outbox, &rows, &keys).await {
            Err(error) if statements::is_known_key(&error) => {
                trust.lost();
                statements::with_known(outbox, &rows).await?
            }
            other => other?,
        },
        None => statements::with_known(outbox, &rows).await?,
    };
    let Some(written) = written else {
        ticket.abandoned();
        return Err(OutboxError::SlotLost);
    };
    drop(rows);
    let mut written: HashMap<EventId, Written> = written.into_iter().map(|row| (row.id, row)).collect();
    let mut committed = Vec::with_capacity(written.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for Received { stored, events } in batch {
        let before = committed.len();
        committed.extend(events.into_iter().filter_map(|(_, mut event)| {
            let Written { seq, version, at, .. } = written.remove(&event.id)?;
            event.aggregate_version = version;
            Some(Committed { seq, event, at })
        }));
        let nothing_new = committed.len() == before;
        outcomes.push(match stored.outcome {
            Outcome::Accepted if nothing_new => Outcome::Duplicate,
            outcome => outcome,
        });
    }
    ticket.committed(committed);
    Ok(outcomes)
}

/// The conversation that a message is counted in; other events are not counted.
pub(crate) fn conversation(event: &NewEvent) -> Option<Uuid> {
    let is_message = event.event.name == MessageReceived::TYPE.name;
    is_message.then(|| event.aggregate_id.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
