//! What is measured, a part a file.

pub(crate) mod accept;
pub(crate) mod consume;
pub(crate) mod journey;
pub(crate) mod memory;
pub(crate) mod minimal;
pub(crate) mod relay;
pub(crate) mod replay;
pub(crate) mod stored;

use anyhow::Result;

use crate::child::Child;
use crate::child::load::{Job, Outcome};
use crate::plan::Plan;
use crate::webhooks::Numbers;

/// Senders of webhooks, unless a part wants others.
pub(crate) const SENDERS: u64 = 10_000;

/// Numbers webhooks over a whole run, so that none comes twice.
#[derive(Debug)]
pub(crate) struct Counter(u64);

impl Counter {
    pub(crate) fn new() -> Self {
        Self(1)
    }

    fn take(&mut self, count: u64) -> Numbers {
        let first = self.0;
        self.0 += count;
        Numbers {
            first,
            count,
            senders: SENDERS,
        }
    }
}

/// Sends webhooks for one cell; `at_most` a second are prepared.
pub(crate) async fn load(
    generator: &mut Child,
    counter: &mut Counter,
    plan: &Plan,
    target: Target,
) -> Result<Outcome> {
    let seconds = (plan.warm_up + target.duration).as_secs_f64();
    let count = (seconds * target.at_most as f64).ceil() as u64 + target.connections as u64;
    let job = Job {
        address: target.address,
        connections: target.connections,
        warm_up: plan.warm_up,
        duration: target.duration,
        numbers: counter.take(count),
        again: target.again,
    };
    generator.ask(&job).await
}

/// Where webhooks go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) connections: usize,
    pub(crate) duration: std::time::Duration,
    /// More a second than anybody will take.
    pub(crate) at_most: u64,
    /// Whether the same ones may be sent again.
    pub(crate) again: bool,
}

/// The middle of several figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    match (figures.get(figures.len() / 2), figures.len() % 2) {
        (Some(upper), 0) => (upper + figures.get(figures.len() / 2 - 1).unwrap_or(upper)) / 2.0,
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

/// How far apart the rounds are: half of the range, in percent of the median.
pub(crate) fn noise(figures: &[f64]) -> f64 {
    let low = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let high = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (high - low) / 2.0 / median(figures.iter().copied()) * 100.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert!((super::median([4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < f64::EPSILON);
        assert!((super::median([9.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
        assert!((super::noise(&[90.0, 100.0, 110.0]) - 10.0).abs() < 1e-9);
    }
}
