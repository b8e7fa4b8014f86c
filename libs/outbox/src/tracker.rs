//! What is committed, what is published, and how far the cursor may go. Pure bookkeeping under one short lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::Committed;

/// Rows that may wait in memory; beyond that they are read back from the table.
const CAPACITY: usize = 20_000;
/// Rows in memory from which intake waits a moment for a broker that is up.
const CROWDED: usize = CAPACITY / 2;
/// Rows that the table may be ahead of the relay before intake waits, with the broker up.
const MAX_LAG: i64 = 50_000;

#[derive(Debug, Default)]
struct State {
    /// The highest sequence number known.
    max_seen: i64,
    next_key: u64,
    /// Open tickets, and the number that was highest when each was opened.
    tickets: BTreeMap<u64, i64>,
    /// Tickets whose commit may or may not have happened.
    doubtful: BTreeMap<u64, i64>,
    queue: VecDeque<Vec<Committed>>,
    queued_rows: usize,
    /// Batches on their way to the broker: rows still unacknowledged, and the lowest number among them.
    publishing: BTreeMap<u64, (usize, i64)>,
    catch_up: Option<CatchUp>,
    broker_up: bool,
    cursor: i64,
}

/// Reading back from the table.
#[derive(Debug, Clone, Copy)]
struct CatchUp {
    /// Everything up to here has been read.
    position: i64,
    /// The lowest row committed since the last read began, less one.
    lowest: Option<i64>,
}

/// Shared between the writers of a replica and its relay.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    state: Mutex<State>,
    /// Something to publish, or a doubt to clear.
    pub(crate) work: Notify,
    room: Notify,
}

/// A promise to tell what became of a transaction that writes to the outbox. Dropped without a word, it is doubtful.
#[derive(Debug)]
pub struct Ticket {
    tracker: Arc<Tracker>,
    key: u64,
    told: bool,
}

impl Tracker {
    pub(crate) fn starting_at(cursor: i64) -> Arc<Self> {
        let tracker = Self::default();
        {
            let mut state = tracker.lock();
            state.max_seen = cursor;
            state.cursor = cursor;
        }
        Arc::new(tracker)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a ticket; do so before the transaction takes its first sequence number.
    pub(crate) fn open(self: &Arc<Self>) -> Ticket {
        let mut state = self.lock();
        let key = state.take_key();
        let floor = state.max_seen;
        state.tickets.insert(key, floor);
        Ticket {
            tracker: self.clone(),
            key,
            told: false,
        }
    }

    /// Waits a moment when the relay is far behind a broker that is up, so that the backlog stays bounded.
    pub(crate) async fn wait_for_room(&self, longest: Duration) {
        let notified = self.room.notified();
        if self.lock().crowded() {
            let _ = tokio::time::timeout(longest, notified).await;
        }
    }

    pub(crate) fn set_broker_up(&self, up: bool) {
        self.lock().broker_up = up;
        self.room.notify_waiters();
    }

    /// The next batch to publish, with the key to report its rows under.
    pub(crate) fn next_batch(&self) -> Option<(u64, Vec<Committed>)> {
        let mut state = self.lock();
        let batch = state.queue.pop_front()?;
        state.queued_rows = state.queued_rows.saturating_sub(batch.len());
        let key = state.start(&batch);
        if !state.crowded() {
            self.room.notify_waiters();
        }
        Some((key, batch))
    }

    /// Reports one row of a batch as acknowledged by the broker.
    pub(crate) fn acknowledged(&self, key: u64) {
        let mut state = self.lock();
        if let Some((left, _)) = state.publishing.get_mut(&key) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                state.publishing.remove(&key);
            }
        }
    }

    /// Where to read back from the table, when that is due.
    pub(crate) fn begin_catch_up(&self) -> Option<i64> {
        let mut state = self.lock();
        if !state.queue.is_empty() {
            return None;
        }
        let catch_up = state.catch_up.as_mut()?;
        if let Some(lowest) = catch_up.lowest.take() {
            catch_up.position = catch_up.position.min(lowest);
        }
        Some(catch_up.position)
    }

    /// Takes over what was read back. `complete`: the table held no more.
    pub(crate) fn caught(&self, rows: Vec<Committed>, complete: bool) -> Option<(u64, Vec<Committed>)> {
        let mut state = self.lock();
        if let Some(last) = rows.last().map(|row| row.seq) {
            state.max_seen = state.max_seen.max(last);
            if let Some(catch_up) = &mut state.catch_up {
                catch_up.position = catch_up.position.max(last);
            }
        }
        if complete && state.catch_up.is_some_and(|catch_up| catch_up.lowest.is_none()) {
            state.catch_up = None;
            self.room.notify_waiters();
        }
        if rows.is_empty() {
            return None;
        }
        let key = state.start(&rows);
        Some((key, rows))
    }

    /// The doubtful tickets, by key.
    pub(crate) fn doubts(&self) -> Vec<u64> {
        self.lock().doubtful.keys().copied().collect()
    }

    /// The transactions of these tickets have ended: whatever they committed is visible now.
    pub(crate) fn clear_doubts(&self, keys: &[u64]) {
        let mut state = self.lock();
        for key in keys {
            if let Some(floor) = state.doubtful.remove(key) {
                state.spill(floor);
            }
        }
        self.work.notify_one();
    }

    /// Everything up to this number is published. Never goes back.
    pub(crate) fn cursor(&self) -> i64 {
        let mut state = self.lock();
        let mut cursor = state.max_seen;
        for floor in state.tickets.values().chain(state.doubtful.values()) {
            cursor = cursor.min(*floor);
        }
        for (_, lowest) in state.publishing.values() {
            cursor = cursor.min(lowest - 1);
        }
        for row in state.queue.iter().flatten() {
            cursor = cursor.min(row.seq - 1);
        }
        if let Some(catch_up) = state.catch_up {
            cursor = cursor
                .min(catch_up.position)
                .min(catch_up.lowest.unwrap_or(i64::MAX));
        }
        state.cursor = state.cursor.max(cursor);
        state.cursor
    }

    /// Whether nothing is left to publish.
    pub(crate) fn idle(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty()
            && state.publishing.is_empty()
            && state.catch_up.is_none()
            && state.doubtful.is_empty()
            && state.tickets.is_empty()
    }

    /// Rows that wait for the relay, in memory or in the table.
    pub(crate) fn backlog(&self) -> i64 {
        let state = self.lock();
        let behind = state
            .catch_up
            .map_or(0, |catch_up| (state.max_seen - catch_up.position).max(0));
        behind + i64::try_from(state.queued_rows).unwrap_or(i64::MAX)
    }
}

impl State {
    fn take_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    fn crowded(&self) -> bool {
        let behind = self
            .catch_up
            .is_some_and(|catch_up| self.max_seen - catch_up.position > MAX_LAG);
        self.broker_up && (self.queued_rows > CROWDED || behind)
    }

    fn start(&mut self, batch: &[Committed]) -> u64 {
        let key = self.take_key();
        let lowest = batch.iter().map(|row| row.seq).min().unwrap_or(i64::MAX);
        self.publishing.insert(key, (batch.len(), lowest));
        key
    }

    fn spill(&mut self, floor: i64) {
        match &mut self.catch_up {
            Some(catch_up) => catch_up.lowest = Some(catch_up.lowest.map_or(floor, |l| l.min(floor))),
            None => {
                self.catch_up = Some(CatchUp {
                    position: floor,
                    lowest: None,
                });
            }
        }
    }
}

impl Ticket {
    /// The rows are on disk: hands them to the relay.
    pub fn committed(mut self, rows: Vec<Committed>) {
        self.told = true;
        let mut state = self.tracker.lock();
        state.tickets.remove(&self.key);
        let (Some(lowest), Some(highest)) = (
            rows.iter().map(|row| row.seq).min(),
            rows.iter().map(|row| row.seq).max(),
        ) else {
            return;
        };
        state.max_seen = state.max_seen.max(highest);
        if state.catch_up.is_some() || state.queued_rows + rows.len() > CAPACITY {
            state.spill(lowest - 1);
        } else {
            state.queued_rows += rows.len();
            state.queue.push_back(rows);
        }
        drop(state);
        self.tracker.work.notify_one();
    }

    /// The transaction surely wrote nothing.
    pub fn abandoned(mut self) {
        self.told = true;
        self.tracker.lock().tickets.remove(&self.key);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.told {
            let mut state = self.tracker.lock();
            if let Some(floor) = state.tickets.remove(&self.key) {
                state.doubtful.insert(self.key, floor);
            }
            drop(state);
            self.tracker.work.notify_one();
        }
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
