//! How often events failed, each by itself.
//!
//! The broker counts deliveries, but a delivery that met a database which was away says nothing about the event: were
//! it counted, an outage would use up what an event may fail, and its first true failure afterwards would be its last.
//! The counts live in memory. A replica that starts anew begins at nothing, and each replica counts for itself: an event
//! is tried some times more, and never fewer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Events that are counted at the same time; with more of them all counts begin anew, which only means more tries.
const MOST: usize = 10_000;

/// What is known of an event.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    failures: i64,
    gaps: i64,
}

/// The counts of a consumer.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<HashMap<Uuid, Count>>);

impl Tries {
    /// The event failed; returns how often it has.
    pub(crate) fn failed(&self, event: Uuid) -> i64 {
        let mut counts = self.lock();
        let count = counts.entry(event).or_default();
        count.failures += 1;
        count.failures
    }

    /// The event came before its predecessor; returns how often it has.
    pub(crate) fn early(&self, event: Uuid) -> i64 {
        let mut counts = self.lock();
        let count = counts.entry(event).or_default();
        count.gaps += 1;
        count.gaps
    }

    /// These events are done.
    pub(crate) fn forget(&self, events: impl Iterator<Item = Uuid>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.is_empty() {
            return;
        }
        for event in events {
            counts.remove(&event);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Count>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST {
            counts.clear();
        }
        counts
    }
}
