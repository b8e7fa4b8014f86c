//! How often one may ask: per key what the key allows, per session, and per address for whoever is not let in: how often
//! they may try to get in, and how often they are answered at all.
//!
//! Counted by each replica for itself; the number of those remembered is bounded, and idle ones are forgotten.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderMap;
use puente_service::peer::{TrustedProxies, network};
use uuid::Uuid;

use super::good::Good;

/// Callers remembered at most; whoever comes then is counted with everybody else who does.
const MOST_CALLERS: usize = 10_000;
/// Addresses remembered before idle ones are forgotten.
const MANY_ADDRESSES: usize = 10_000;
/// Requests of one address for each attempt to get in that it has: a page at the door loads styles and a script, and
/// what is behind an address may be a whole company.
const VISITS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Seconds.
const MINUTE: u64 = 60;

type Counter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// What is left after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Requests a minute.
    pub(crate) limit: u32,
    /// Of those, left at once.
    pub(crate) remaining: u32,
    /// How long until one more is allowed; only when there is none now.
    pub(crate) wait: Option<Duration>,
}

/// All counters of this replica.
pub(crate) struct Limits {
    callers: Mutex<HashMap<Uuid, (u32, Arc<Counter>)>>,
    strangers: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    visits: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    /// Tokens that were good a short time ago.
    pub(crate) good: Good,
    proxies: TrustedProxies,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(strangers_per_minute: NonZeroU32, proxies: TrustedProxies) -> Self {
        Self {
            callers: Mutex::default(),
            strangers: RateLimiter::keyed(Quota::per_minute(strangers_per_minute)),
            visits: RateLimiter::keyed(Quota::per_minute(strangers_per_minute.saturating_mul(VISITS))),
            good: Good::default(),
            proxies,
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of a caller who may make `per_minute` of them.
    pub(crate) fn count(&self, caller: Uuid, per_minute: NonZeroU32) -> Standing {
        let counter = self.counter(caller, per_minute);
        match counter.check() {
            Ok(state) => Standing {
                limit: per_minute.get(),
                remaining: state.remaining_burst_capacity(),
                wait: None,
            },
            Err(not_until) => Standing {
                limit: per_minute.get(),
                remaining: 0,
                wait: Some(not_until.wait_time_from(self.clock.now())),
            },
        }
    }

    fn counter(&self, caller: Uuid, per_minute: NonZeroU32) -> Arc<Counter> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let full = callers.len() >= MOST_CALLERS && !callers.contains_key(&caller);
        let key = if full { Uuid::nil() } else { caller };
        let entry = callers
            .entry(key)
            .or_insert_with(|| (per_minute.get(), counter(per_minute)));
        // A key whose limit was changed starts anew.
        if entry.0 != per_minute.get() && !full {
            *entry = (per_minute.get(), counter(per_minute));
        }
        entry.1.clone()
    }

    /// Counts an attempt to get in from this address; how long to wait when there were too many.
    pub(crate) fn stranger(&self, address: IpAddr) -> Result<(), Duration> {
        self.strangers
            .check_key(&network(address))
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Counts a request from this address of whom nothing is known yet, before anything is looked up for it.
    pub(crate) fn visit(&self, address: IpAddr) -> Result<(), Duration> {
        self.visits
            .check_key(&network(address))
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// The address that a request comes from.
    pub(crate) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        self.proxies.source(peer, headers)
    }

    /// Forgets whoever has been quiet for as long as a full counter needs to empty.
    pub(crate) fn forget_idle(&self) {
        for counters in [&self.strangers, &self.visits] {
            if counters.len() > MANY_ADDRESSES {
                counters.retain_recent();
                counters.shrink_to_fit();
            }
        }
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() > MOST_CALLERS / 2 {
            callers.clear();
        }
    }
}

/// How often idle ones are looked for.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(5 * MINUTE);

fn counter(per_minute: NonZeroU32) -> Arc<Counter> {
    let limiter = RateLimiter::direct(Quota::per_minute(per_minute));
    Arc::new(limiter.with_middleware::<StateInformationMiddleware>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_count_and_is_told_when_to_come_back() {
        let limits = Limits::new(NonZeroU32::MIN, TrustedProxies::default());
        let two = NonZeroU32::new(2).unwrap();
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(limits.count(one, two).remaining, 1);
        assert_eq!(limits.count(one, two).remaining, 0);
        let over = limits.count(one, two);
        assert!(over.wait.unwrap() <= Duration::from_secs(30), "{over:?}");
        assert_eq!(limits.count(other, two).wait, None);
    }
}
