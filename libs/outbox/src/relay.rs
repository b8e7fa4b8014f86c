//! The relay: publishes what was committed, in a window of many at a time, and writes the cursor.

mod confirm;

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::connection::State as Link;
use confirm::{Confirmations, Unconfirmed};
use puente_telemetry::metric;
use puente_types::{Clock as _, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::late::Oldest;
use crate::{Committed, Outbox, doubts, drain, gauges, table};

/// Rows on their way at the same time.
const WINDOW: usize = 1_024;
/// Rows read back from the table at once.
const CHUNK: i64 = 2_000;
/// How often the cursor is written while it moves.
const CURSOR_EVERY: Duration = Duration::from_millis(100);
/// How long a stopping relay goes on publishing; what is left is drained by another replica, or after the restart.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The longest pause after a failed publish.
const MAX_PAUSE: Duration = Duration::from_secs(2);

impl Outbox {
    /// Publishes until `shutdown`. Needs a client that reconnects by itself; the broker may be down at the start.
    pub async fn run(self, client: async_nats::Client, shutdown: CancellationToken) {
        let relay = Relay::new(self.clone(), client.clone());
        let housekeeping = drain::housekeeping(self.clone(), client, shutdown.clone());
        let gauges = gauges::run(self.clone(), shutdown.clone());
        let doubts = doubts::clear(&self, shutdown.clone());
        tokio::join!(relay.run(shutdown), housekeeping, gauges, doubts);
        drain::leave(&self).await;
    }
}

struct Relay {
    outbox: Outbox,
    client: async_nats::Client,
    sent: Confirmations<(u64, Committed)>,
    current: Option<(u64, std::vec::IntoIter<Committed>)>,
    again: VecDeque<(u64, Committed)>,
    paused_until: Instant,
    pause: Duration,
    written_cursor: i64,
    renewed: Instant,
    /// What was published late since the cursor was written.
    late: Oldest,
}

impl Relay {
    fn new(outbox: Outbox, client: async_nats::Client) -> Self {
        Self {
            written_cursor: -1,
            outbox,
            sent: Confirmations::new(client.clone()),
            client,
            current: None,
            again: VecDeque::new(),
            paused_until: Instant::now(),
            pause: Duration::from_millis(20),
            renewed: Instant::now(),
            late: Oldest::default(),
        }
    }

    async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(CURSOR_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stop_at = None;
        loop {
            self.fill().await;
            let tracker = self.outbox.inner.tracker.clone();
            tokio::select! {
                // The clock first: under load a confirmation is always ready.
                biased;
                _ = tick.tick() => {
                    while let Some((key, row)) = self.sent.late() {
                        self.settle(key, row, Err(Unconfirmed::Late));
                    }
                    self.write_cursor().await;
                }
                () = shutdown.cancelled(), if stop_at.is_none() => stop_at = Some(Instant::now() + LAST_WORDS),
                ((key, row), result) = self.sent.next(), if self.sent.len() > 0 => {
                    let mut published = u64::from(self.settle(key, row, result));
                    while let Some(((key, row), result)) = self.sent.ready() {
                        published += u64::from(self.settle(key, row, result));
                    }
                    metric::outbox_published(self.outbox.inner.service, published);
                }
                () = tracker.work.notified() => {}
            }
            if let Some(stop_at) = stop_at
                && (Instant::now() >= stop_at || (tracker.idle() && self.current.is_none()))
            {
                break;
            }
        }
        self.write_cursor().await;
    }

    /// Sends rows until the window is full or nothing is left.
    async fn fill(&mut self) {
        let up = self.client.connection_state() == Link::Connected;
        self.outbox.inner.tracker.set_broker_up(up);
        if !up || Instant::now() < self.paused_until {
            return;
        }
        while self.sent.len() < WINDOW {
            let Some((key, row)) = self.next_row().await else {
                return;
            };
            let envelope = row.envelope(self.outbox.inner.service);
            if let Err(((key, row), why)) = self.sent.publish(envelope, (key, row)).await {
                self.settle(key, row, Err(why));
                return;
            }
        }
    }

    async fn next_row(&mut self) -> Option<(u64, Committed)> {
        if let Some(row) = self.again.pop_front() {
            return Some(row);
        }
        loop {
            if let Some((key, rows)) = &mut self.current {
                if let Some(row) = rows.next() {
                    return Some((*key, row));
                }
                self.current = None;
            }
            let batch = match self.outbox.inner.tracker.next_batch() {
                Some(batch) => Some(batch),
                None => self.read_back().await,
            };
            let (key, rows) = batch?;
            self.current = Some((key, rows.into_iter()));
        }
    }

    /// Clears doubts, then reads the next rows from the table where the memory queue was left behind.
    async fn read_back(&mut self) -> Option<(u64, Vec<Committed>)> {
        let tracker = &self.outbox.inner.tracker;
        if let Err(error) = doubts::look(&self.outbox).await {
            self.hold("doubtful commits cannot be looked at yet", &error.to_string());
            return None;
        }
        let position = tracker.begin_catch_up()?;
        let rows = table::read_slot(&self.outbox.inner.pool, self.outbox.slot(), position, CHUNK).await;
        match rows.and_then(table::all) {
            Ok(rows) => {
                let complete = i64::try_from(rows.len()).unwrap_or(CHUNK) < CHUNK;
                tracker.caught(rows, complete)
            }
            Err(error) => {
                self.hold("outbox cannot be read back yet", &error.to_string());
                None
            }
        }
    }

    /// Notes what became of a row; returns whether it was published.
    fn settle(&mut self, key: u64, row: Committed, result: Result<(), Unconfirmed>) -> bool {
        match result {
            Ok(()) => {
                self.late.published(&row, SystemClock.now());
                self.outbox.inner.tracker.acknowledged(key);
                self.pause = Duration::from_millis(20);
                true
            }
            Err(why) => {
                // Unknown whether it landed: the same id again is a duplicate to the stream.
                self.again.push_back((key, row));
                self.hold("publish not confirmed, will be repeated", &why.to_string());
                false
            }
        }
    }

    fn hold(&mut self, what: &str, error: &str) {
        if Instant::now() >= self.paused_until {
            tracing::warn!(service = self.outbox.inner.service, error, "{what}");
            self.paused_until = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(MAX_PAUSE);
        }
    }

    /// Writes the cursor when it moved, and renews the lease in any case from time to time.
    async fn write_cursor(&mut self) {
        let cursor = self.outbox.inner.tracker.cursor();
        let lease = self.outbox.inner.settings.lease;
        if cursor == self.written_cursor && self.renewed.elapsed() < lease / 4 {
            return;
        }
        if let Err(error) = self.late.note(&self.outbox.inner.pool).await {
            tracing::debug!(error = %error, "late events not noted, nor the cursor written");
            return;
        }
        let slot = self.outbox.slot();
        match drain::renew(&self.outbox, slot, cursor).await {
            Ok(true) => {
                self.written_cursor = cursor;
                self.renewed = Instant::now();
            }
            Ok(false) => {
                tracing::warn!(
                    service = self.outbox.inner.service,
                    "relay slot was taken over, taking a new one"
                );
                if let Err(error) = self.outbox.register_again(slot).await {
                    tracing::warn!(error = %error, "no new relay slot yet");
                }
            }
            // The lease runs on; the next tick tries again.
            Err(error) => tracing::debug!(error = %error, "cursor not written"),
        }
    }
}
