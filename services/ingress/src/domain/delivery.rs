//! The fate of a verified request, and the order of receipt.

use std::sync::atomic::{AtomicI64, Ordering};

use puente_types::Clock;

/// What became of a request that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// At least one new event.
    Accepted,
    /// Everything in it was known.
    Duplicate,
    /// Nothing in it makes an event: unknown or unused kinds.
    Ignored,
    /// It names an account that no connection has.
    Unroutable,
    /// Authentic, but not what the provider documents.
    Malformed,
    /// Not authentic; kept for the operator.
    Refused,
}

impl Outcome {
    /// The word that is stored and answered.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Unroutable => "unroutable",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
        }
    }
}

/// Gives each delivery its place in the order of receipt: microseconds of the clock, and never the same or a lower
/// number twice in one replica. Replicas agree as far as their clocks do.
#[derive(Debug, Default)]
pub(crate) struct ReceiptClock(AtomicI64);

impl ReceiptClock {
    /// The next place.
    pub(crate) fn next(&self, clock: &dyn Clock) -> i64 {
        let now = i64::try_from(clock.now().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
        let last = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| {
            Some(now.max(last + 1))
        });
        now.max(last.unwrap_or_else(|last| last) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use puente_types::ManualClock;

    #[test]
    fn places_rise_even_when_the_clock_stands_still() {
        let clock = ManualClock::at(time::OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1));
        let receipt = ReceiptClock::default();
        let places: Vec<i64> = (0..5).map(|_| receipt.next(&clock)).collect();
        assert_eq!(places, [1_000_000, 1_000_001, 1_000_002, 1_000_003, 1_000_004]);
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(receipt.next(&clock), 2_000_000);
    }
}
