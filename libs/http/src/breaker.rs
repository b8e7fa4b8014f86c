//! Stops calling a provider that fails, and finds out when it is back.
//!
//! One [`Breaker`] per provider and connection. *Closed*: calls go out, outcomes are counted. *Open*: nothing is
//! called until a pause is over. *Half-open*: exactly one call goes out as a probe; when it succeeds the breaker
//! closes, when it fails the pause doubles. Calls that began before the last change of state no longer count.
//!
//! A failure is a provider that cannot be reached, cuts, lets the deadline pass, or answers 5xx. Any other answer,
//! 429 included, proves that it works. Time is tokio's, so that tests can hold it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use puente_types::ConnectionId;
use tokio::time::Instant;

/// How long a caller waits before it asks again while another call probes: probes last up to a call's deadline,
/// and the question costs nothing.
pub(crate) const PROBE_UNDER_WAY: Duration = Duration::from_millis(250);

/// When breakers open, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// Failures in a row that open it.
    pub consecutive: u32,
    /// The last so many calls are looked at together; more than half of them failed opens it, too.
    pub window: usize,
    /// The first pause.
    pub open_for: Duration,
    /// The longest pause.
    pub open_at_most: Duration,
    /// How many breakers are kept; closed ones that nobody uses make room.
    pub capacity: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            consecutive: 5,
            window: 20,
            open_for: Duration::from_secs(10),
            open_at_most: Duration::from_mins(2),
            capacity: 4096,
        }
    }
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Lets them through.
    Closed,
    /// Lets none through.
    Open,
    /// Lets one through, to find out.
    HalfOpen,
}

impl State {
    /// A fixed word for health pages and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The breaker of one provider and connection.
#[derive(Debug)]
pub struct Breaker {
    thresholds: Thresholds,
    inner: Mutex<Inner>,
}

/// A breaker as it stands, for health pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The provider's slug.
    pub provider: String,
    /// The connection.
    pub connection: ConnectionId,
    /// What it does with calls now.
    pub state: State,
    /// For how long it has done so; `None` when it never did anything else.
    pub held_for: Option<Duration>,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    /// When the phase began, if it is not the first.
    since: Option<Instant>,
    /// Counts changes of state: the outcome of a call from an earlier one is stale.
    epoch: u64,
    in_a_row: u32,
    /// The last calls; `true` is a failure.
    last: VecDeque<bool>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    /// Nothing before `until`; the pause was `pause` long.
    Open {
        until: Instant,
        pause: Duration,
    },
    /// A probe is under way; the pause before it was `pause` long.
    Probing {
        pause: Duration,
    },
}

/// The right to make one call. Tell how it went; dropped without a word (a cancelled call, a call that was never
/// made) it changes nothing, and a probe may be made again.
#[derive(Debug)]
#[must_use = "a call's outcome must be told"]
pub struct Permit {
    breaker: Arc<Breaker>,
    epoch: u64,
    told: bool,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        let inner = Inner {
            phase: Phase::Closed,
            since: None,
            epoch: 0,
            in_a_row: 0,
            last: VecDeque::new(),
        };
        Self {
            thresholds,
            inner: Mutex::new(inner),
        }
    }

    /// What it does with calls now.
    #[must_use]
    pub fn state(&self) -> State {
        self.standing().0
    }

    /// What it does with calls now, and for how long.
    fn standing(&self) -> (State, Option<Duration>) {
        let (inner, now) = (self.lock(), Instant::now());
        let (state, since) = match inner.phase {
            Phase::Closed => (State::Closed, inner.since),
            Phase::Open { until, .. } if now < until => (State::Open, inner.since),
            // The pause is over, and nobody has called since.
            Phase::Open { until, .. } => (State::HalfOpen, Some(until)),
            Phase::Probing { .. } => (State::HalfOpen, inner.since),
        };
        (state, since.map(|since| now.saturating_duration_since(since)))
    }

    /// Whether a call would be let through now, without taking the right to it.
    ///
    /// # Errors
    /// How long to wait before it is worth asking again.
    pub fn ready(&self) -> Result<(), Duration> {
        match self.lock().phase {
            Phase::Closed => Ok(()),
            Phase::Probing { .. } => Err(PROBE_UNDER_WAY),
            Phase::Open { until, .. } => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() { Ok(()) } else { Err(left) }
            }
        }
    }

    /// Takes the right to one call; `None` while it is open or another call probes.
    #[must_use]
    pub fn permit(self: &Arc<Self>) -> Option<Permit> {
        let mut inner = self.lock();
        match inner.phase {
            Phase::Closed => {}
            Phase::Open { until, pause } if Instant::now() >= until => {
                inner.phase = Phase::Probing { pause };
                // Half-open since its pause was over.
                inner.since = Some(until);
                inner.epoch += 1;
            }
            Phase::Open { .. } | Phase::Probing { .. } => return None,
        }
        Some(Permit {
            breaker: self.clone(),
            epoch: inner.epoch,
            told: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The state is changed in whole steps: a panic elsewhere cannot leave half of one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an outcome. Returns the new state when it changed.
    fn tell(&self, epoch: u64, failed: bool) -> Option<State> {
        let mut inner = self.lock();
        if inner.epoch != epoch {
            return None;
        }
        match inner.phase {
            Phase::Closed => {
                inner.count(failed, self.thresholds.window);
                let open = failed && inner.has_enough(&self.thresholds);
                open.then(|| inner.open(self.thresholds.open_for))
            }
            Phase::Probing { pause } if failed => {
                Some(inner.open(pause.saturating_mul(2).min(self.thresholds.open_at_most)))
            }
            Phase::Probing { .. } => {
                inner.turn(Phase::Closed);
                Some(State::Closed)
            }
            Phase::Open { .. } => None,
        }
    }

    /// A probe ended without a verdict: the next call may probe at once.
    fn give_back(&self, epoch: u64) {
        let mut inner = self.lock();
        if let (true, Phase::Probing { pause }) = (inner.epoch == epoch, inner.phase) {
            inner.turn(Phase::Open {
                until: Instant::now(),
                pause,
            });
        }
    }
}

impl Inner {
    fn count(&mut self, failed: bool, window: usize) {
        self.in_a_row = if failed {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
        self.last.push_back(failed);
        while self.last.len() > window {
            self.last.pop_front();
        }
    }

    fn has_enough(&self, thresholds: &Thresholds) -> bool {
        let failures = self.last.iter().filter(|failed| **failed).count();
        let window_full = self.last.len() >= thresholds.window.max(1);
        self.in_a_row >= thresholds.consecutive || (window_full && failures * 2 > self.last.len())
    }

    fn open(&mut self, pause: Duration) -> State {
        self.turn(Phase::Open {
            until: Instant::now() + pause,
            pause,
        });
        State::Open
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Some(Instant::now());
        self.epoch += 1;
        self.in_a_row = 0;
        self.last.clear();
    }
}

impl Permit {
    /// The provider answered. Returns the new state when it changed.
    pub fn success(mut self) -> Option<State> {
        self.told = true;
        self.breaker.tell(self.epoch, false)
    }

    /// The provider failed. Returns the new state when it changed.
    pub fn failure(mut self) -> Option<State> {
        self.told = true;
        self.breaker.tell(self.epoch, true)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.give_back(self.epoch);
        }
    }
}

/// All breakers of the process.
#[derive(Debug)]
pub(crate) struct Breakers {
    thresholds: Thresholds,
    all: Mutex<HashMap<(String, ConnectionId), Arc<Breaker>>>,
}

impl Breakers {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            all: Mutex::default(),
        }
    }

    /// The breaker of a provider and connection, made closed on first use.
    pub(crate) fn get(&self, provider: &str, connection: &ConnectionId) -> Arc<Breaker> {
        let key = (provider.to_owned(), connection.clone());
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(breaker) = all.get(&key) {
            return breaker.clone();
        }
        if all.len() >= self.thresholds.capacity {
            all.retain(|_, breaker| breaker.state() != State::Closed || Arc::strong_count(breaker) > 1);
        }
        if all.len() >= self.thresholds.capacity {
            // All are open or in use. Forgetting one costs at most a few calls that fail.
            let any = all.keys().next().cloned();
            any.and_then(|key| all.remove(&key));
        }
        all.entry(key)
            .or_insert_with(|| Arc::new(Breaker::new(self.thresholds)))
            .clone()
    }

    /// Whether any connection of the provider is not called freely.
    pub(crate) fn any_open(&self, provider: &str) -> bool {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .any(|((of, _), breaker)| of == provider && breaker.state() != State::Closed)
    }

    /// Every breaker as it stands.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = |((provider, connection), breaker): (&(String, ConnectionId), &Arc<Breaker>)| {
            let (state, held_for) = breaker.standing();
            Standing {
                provider: provider.clone(),
                connection: connection.clone(),
                state,
                held_for,
            }
        };
        all.iter().map(standing).collect()
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
