//! The stretches of time that counts are told in: whole ones, aligned to the clock, none left out.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::view::Tally;

/// The usual window.
const HOUR: u32 = 60 * 60;
/// The longest window: what lies further back belongs to reports.
const DAY: u32 = 24 * HOUR;
/// Lengths of a bucket; the first is the usual one.
const LENGTHS: [u32; 3] = [60, 600, HOUR];

/// Buckets that follow each other until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// The number of the first one, counted from 1970.
    first: i64,
    last: i64,
    /// Seconds of each.
    pub(crate) seconds: u32,
}

impl Buckets {
    /// Those that reach back over `window` seconds; 0 is the usual window or length. `None` for a length that nobody
    /// offers.
    pub(crate) fn until(now: OffsetDateTime, window: u32, length: u32) -> Option<Self> {
        let window = if window == 0 { HOUR } else { window.min(DAY) };
        let [usual, ..] = LENGTHS;
        let seconds = if length == 0 { usual } else { length };
        if !LENGTHS.contains(&seconds) {
            return None;
        }
        let bucket = |at: OffsetDateTime| at.unix_timestamp().div_euclid(seconds.into());
        Some(Self {
            first: bucket(now - Duration::from_secs(window.into())),
            last: bucket(now),
            seconds,
        })
    }

    /// When the first one begins.
    pub(crate) fn start(&self) -> OffsetDateTime {
        self.begins(self.first)
    }

    /// Every bucket with its beginning and what was counted in it.
    pub(crate) fn filled(
        &self,
        counted: &BTreeMap<i64, Tally>,
    ) -> impl Iterator<Item = (OffsetDateTime, Tally)> {
        (self.first..=self.last).map(|bucket| {
            let tally = counted.get(&bucket).copied().unwrap_or_default();
            (self.begins(bucket), tally)
        })
    }

    fn begins(&self, bucket: i64) -> OffsetDateTime {
        let seconds = bucket.saturating_mul(self.seconds.into());
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn buckets_are_whole_aligned_and_without_gaps() {
        let buckets = Buckets::until(at(7_230), 120, 0).unwrap();
        let third = Tally {
            queued: 2,
            ..Tally::default()
        };
        let filled: Vec<_> = buckets.filled(&BTreeMap::from([(120, third)])).collect();
        assert_eq!(
            filled,
            [
                (at(7_080), Tally::default()),
                (at(7_140), Tally::default()),
                (at(7_200), third)
            ]
        );
        assert_eq!(buckets.start(), at(7_080));
    }

    #[test]
    fn windows_have_a_usual_and_a_longest_length() {
        let count =
            |window, length| Buckets::until(at(1_000_000_000), window, length).map(|b| b.last - b.first);
        assert_eq!(count(0, 0), Some(60));
        assert_eq!(count(u32::MAX, 3_600), Some(24));
        assert_eq!(count(0, 61), None);
    }
}
