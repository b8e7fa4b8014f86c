//! How long acknowledgements took in the last minutes, in this replica: a ring of small histograms, one a minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

/// Minutes that are remembered, the current one included.
const MINUTES: usize = 5;
/// From this time on durations are told apart.
const SHORTEST_MS: f64 = 0.1;
/// Each step is so much longer than the one before: a percentile is off by half of that at most.
const STEP: f64 = 1.1;
/// Steps up to a minute, longer than any request is waited for.
const STEPS: usize = 140;

/// Rolling histogram of acknowledgements.
#[derive(Default)]
pub(crate) struct Latency(Mutex<VecDeque<Minute>>);

struct Minute {
    at: i64,
    counts: [u32; STEPS],
}

impl Latency {
    /// A request was acknowledged.
    pub(crate) fn record(&self, now: OffsetDateTime, took: Duration) {
        let at = now.unix_timestamp() / 60;
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.back().is_none_or(|last| last.at < at) {
            minutes.push_back(Minute {
                at,
                counts: [0; STEPS],
            });
            while minutes.len() > MINUTES {
                minutes.pop_front();
            }
        }
        if let Some(count) = minutes
            .back_mut()
            .and_then(|minute| minute.counts.get_mut(step_of(took)))
        {
            *count = count.saturating_add(1);
        }
    }

    /// Milliseconds within which these shares of the last minutes' acknowledgements were made; `None` without any.
    pub(crate) fn percentiles<const N: usize>(
        &self,
        now: OffsetDateTime,
        shares: [f64; N],
    ) -> Option<[f64; N]> {
        let oldest = now.unix_timestamp() / 60 - MINUTES as i64;
        let mut counts = [0_u64; STEPS];
        let minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for minute in minutes.iter().filter(|minute| minute.at > oldest) {
            for (sum, count) in counts.iter_mut().zip(minute.counts) {
                *sum += u64::from(count);
            }
        }
        drop(minutes);
        let all: u64 = counts.iter().sum();
        (all > 0).then(|| shares.map(|share| percentile(&counts, all, share)))
    }
}

fn percentile(counts: &[u64], all: u64, share: f64) -> f64 {
    let wanted = (all as f64 * share).ceil().max(1.0) as u64;
    let mut seen = 0;
    for (step, count) in counts.iter().enumerate() {
        seen += count;
        if seen >= wanted {
            return middle_of(step);
        }
    }
    middle_of(STEPS - 1)
}

fn step_of(took: Duration) -> usize {
    let ratio = took.as_secs_f64() * 1_000.0 / SHORTEST_MS;
    if ratio <= 1.0 {
        return 0;
    }
    (ratio.log(STEP) as usize).min(STEPS - 1)
}

fn middle_of(step: usize) -> f64 {
    SHORTEST_MS * STEP.powf(step as f64 + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(n)
    }

    #[test]
    fn percentiles_are_within_a_step_of_the_truth() {
        let latency = Latency::default();
        for ms in 1..=100 {
            latency.record(minute(7), Duration::from_millis(ms));
        }
        let [p50, p99] = latency.percentiles(minute(7), [0.5, 0.99]).unwrap();
        assert!((45.0..=55.0).contains(&p50), "{p50}");
        assert!((90.0..=109.0).contains(&p99), "{p99}");
    }

    #[test]
    fn what_is_older_than_the_last_minutes_is_forgotten() {
        let latency = Latency::default();
        assert_eq!(latency.percentiles(minute(1), [0.5]), None);
        latency.record(minute(1), Duration::from_millis(3));
        assert!(latency.percentiles(minute(5), [0.5]).is_some());
        assert_eq!(latency.percentiles(minute(6), [0.5]), None);
        for n in 10..100 {
            latency.record(minute(n), Duration::from_secs(100));
        }
        assert_eq!(latency.0.lock().unwrap().len(), MINUTES);
    }
}
