//! A short wait for what may still be on its way.
//!
//! Events of different aggregates are worked side by side, so an answer may be asked for a moment before the contact's
//! own message has opened the session window. A refusal that such a message could overturn is therefore only final
//! once the event has been seen for a while. What is remembered is lost at a restart; then it is waited for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use puente_types::EventId;

/// Events that may be waited for at the same time; beyond that, refusals are final at once.
const CAPACITY: usize = 10_000;

/// Who is being waited for.
pub(crate) struct Patience {
    longest: Duration,
    since: Mutex<HashMap<EventId, Instant>>,
}

impl Patience {
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            since: Mutex::default(),
        }
    }

    /// Whether to try this event again a little later.
    pub(crate) fn lasts(&self, event: EventId) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.len() >= CAPACITY {
            let longest = self.longest;
            since.retain(|_, seen| seen.elapsed() < longest);
            if since.len() >= CAPACITY {
                return false;
            }
        }
        let seen = *since.entry(event).or_insert_with(Instant::now);
        let lasts = seen.elapsed() < self.longest;
        if !lasts {
            since.remove(&event);
        }
        lasts
    }

    /// The event was worked.
    pub(crate) fn done(&self, event: EventId) {
        self.since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends() {
        let patience = Patience::new(Duration::ZERO);
        assert!(!patience.lasts(EventId::new()));
        let patience = Patience::new(Duration::from_secs(3_600));
        let event = EventId::new();
        assert!(patience.lasts(event) && patience.lasts(event));
        patience.done(event);
        assert!(patience.since.lock().unwrap().is_empty());
    }
}
