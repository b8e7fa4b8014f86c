//! The one retry schedule of the fleet: exponential, with full jitter, obeying `Retry-After`.
//!
//! The n-th wait has an upper bound, its *step*: base, 2 × base, 4 × base … up to the cap. The wait is drawn
//! uniformly from the upper nine tenths of the step, so that callers who failed together do not return together,
//! and so that no wait is (almost) none. A provider's own wish is a lower bound, with the drawn wait on top: it told
//! many callers the same instant.
//!
//! The `backoff` crate does the growing and the drawing and is seen in this file only. It draws from
//! `[interval × (1 − f), interval × (1 + f)]`; for `[0.1 × step, step]` the interval is `0.55 × step` and f is
//! `0.45 / 0.55`. Its own retry loops, clock and elapsed-time budget are not used: attempts live in rows that
//! outlast the process, and their number is the budget.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use puente_ports::Decision;

/// The middle of the drawn range, as a share of the step.
const MIDDLE: f64 = 0.55;
/// Half the width of the drawn range, as a share of the middle.
const SPREAD: f64 = 0.45 / MIDDLE;
/// A budget of at least so many attempts is one of patience: that of rate limits, where waiting is the cure.
const PATIENT_FROM: u32 = 8;
/// Doublings after which any base has reached any cap.
const MOST_DOUBLINGS: u32 = 64;

/// How long to wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The first step.
    pub base: Duration,
    /// The largest step.
    pub cap: Duration,
    /// The largest step where the provider limits the rate.
    pub rate_limited_cap: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_mins(1),
            rate_limited_cap: Duration::from_mins(5),
        }
    }
}

impl Schedule {
    /// How long to wait after the `attempt`-th call (from 1) ended with `decision`. `None` when there is nothing
    /// to repeat, or the budget of attempts is used up.
    #[must_use]
    pub fn delay(&self, attempt: u32, decision: Decision) -> Option<Duration> {
        let Decision::Retry { max_attempts, after } = decision else {
            return None;
        };
        if attempt >= max_attempts {
            return None;
        }
        let drawn = self.draw(attempt, max_attempts)?;
        Some(after.unwrap_or(Duration::ZERO).saturating_add(drawn))
    }

    /// The upper bound of the wait after the `attempt`-th call, the provider's own wish apart.
    #[must_use]
    pub fn step(&self, attempt: u32, max_attempts: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(MOST_DOUBLINGS);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap_for(max_attempts))
    }

    fn cap_for(&self, max_attempts: u32) -> Duration {
        if max_attempts >= PATIENT_FROM {
            self.rate_limited_cap
        } else {
            self.cap
        }
    }

    fn draw(&self, attempt: u32, max_attempts: u32) -> Option<Duration> {
        let cap = self.cap_for(max_attempts);
        let mut backoff = ExponentialBackoff {
            current_interval: self.base.min(cap).mul_f64(MIDDLE),
            initial_interval: self.base.min(cap).mul_f64(MIDDLE),
            randomization_factor: SPREAD,
            multiplier: 2.0,
            max_interval: cap.mul_f64(MIDDLE),
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let turns = attempt.clamp(1, MOST_DOUBLINGS);
        let mut drawn = None;
        for _ in 0..turns {
            drawn = backoff.next_backoff();
        }
        // The draw is made in floating point: the step holds to the nanosecond all the same.
        let step = self.step(turns, max_attempts);
        drawn.map(|drawn| drawn.clamp(step / 10, step))
    }
}

/// [`Schedule::delay`] with the schedule of production.
#[must_use]
pub fn delay(attempt: u32, decision: Decision) -> Option<Duration> {
    Schedule::default().delay(attempt, decision)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use puente_ports::{ProviderError, ProviderErrorKind};

    use super::*;

    const DOWN: Decision = Decision::Retry {
        max_attempts: 4,
        after: None,
    };

    #[test]
    fn waits_of_one_two_and_four_seconds_and_then_no_more() {
        for (attempt, step) in [(1, 1), (2, 2), (3, 4)] {
            let step = Duration::from_secs(step);
            for _ in 0..200 {
                let wait = delay(attempt, DOWN).unwrap();
                assert!(wait >= step / 10 && wait <= step, "{attempt}: {wait:?}");
            }
        }
        assert_eq!(delay(4, DOWN), None);
        assert_eq!(delay(u32::MAX, DOWN), None);
    }

    #[test]
    fn only_a_retry_is_repeated() {
        for decision in [Decision::Fail, Decision::RefreshThenFail, Decision::Settle] {
            assert_eq!(delay(1, decision), None);
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_step() {
        let waits: Vec<f64> = (0..4000).map(|_| delay(1, DOWN).unwrap().as_secs_f64()).collect();
        for tenth in 1..10 {
            let from = f64::from(tenth) / 10.0;
            let inside = waits
                .iter()
                .filter(|wait| (from..from + 0.1).contains(*wait))
                .count();
            // A ninth of 4,000 is 444; seven standard deviations are 140.
            assert!(
                (304..=584).contains(&inside),
                "{inside} waits between {from} and {}",
                from + 0.1
            );
        }
    }

    #[test]
    fn a_rate_limit_is_waited_out_with_more_patience() {
        let limited =
            |after| ProviderError::new(ProviderErrorKind::RateLimited { retry_after: after }, "429", "");
        let schedule = Schedule::default();
        assert_eq!(schedule.step(11, 12), Duration::from_mins(5));
        assert_eq!(schedule.step(11, 4), Duration::from_mins(1));
        let hour = Duration::from_hours(1);
        let wait = delay(1, limited(Some(hour)).decision()).unwrap();
        assert!(wait > hour && wait <= hour + Duration::from_secs(1));
        assert!(delay(11, limited(None).decision()).is_some());
        assert_eq!(delay(12, limited(None).decision()), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_above_its_step_nor_below_the_providers_wish(
            base in 1_u64..10_000, cap in 1_u64..600_000, attempt in 0_u32..200, max in 1_u32..200,
            after in proptest::option::of(0_u64..100_000_000),
        ) {
            let schedule = Schedule {
                base: Duration::from_millis(base),
                cap: Duration::from_millis(cap),
                rate_limited_cap: Duration::from_millis(cap) * 2,
            };
            let after = after.map(Duration::from_millis);
            let wait = schedule.delay(attempt, Decision::Retry { max_attempts: max, after });
            prop_assert_eq!(wait.is_none(), attempt >= max);
            if let Some(wait) = wait {
                let wish = after.unwrap_or_default();
                let step = schedule.step(attempt, max);
                prop_assert!(wait > wish);
                prop_assert!(wait <= wish + step);
                prop_assert!(wait >= wish + step / 10);
                prop_assert!(step <= Duration::from_millis(cap) * 2);
            }
        }

        #[test]
        fn steps_never_shrink(base in 1_u64..10_000, cap in 1_u64..600_000, max in 1_u32..20) {
            let cap = Duration::from_millis(cap);
            let schedule = Schedule { base: Duration::from_millis(base), cap, rate_limited_cap: cap };
            for attempt in 0..100 {
                prop_assert!(schedule.step(attempt, max) <= schedule.step(attempt + 1, max));
                prop_assert!(schedule.step(attempt, max) <= cap);
            }
        }
    }
}
