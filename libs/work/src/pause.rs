//! When work that failed is tried again.

use std::time::Duration;

/// More than lie between any first and longest pause, and few enough for the shift.
const MOST_DOUBLINGS: u32 = 16;

/// The pause before something is done again that was taken up `tries` times: `first`, doubling, at most `longest`.
#[must_use]
pub fn pause(tries: i32, first: Duration, longest: Duration) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1))
        .unwrap_or(0)
        .min(MOST_DOUBLINGS);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_the_first_to_the_longest() {
        let seconds = |tries| pause(tries, Duration::from_secs(2), Duration::from_mins(10)).as_secs();
        assert_eq!([-1, 0, 1, 2, 3, 9].map(seconds), [2, 2, 2, 4, 8, 512]);
        assert_eq!([10, 17, i32::MAX].map(seconds), [600, 600, 600]);
    }
}
