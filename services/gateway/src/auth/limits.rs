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
    trusted: Vec<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(strangers_per_minute: NonZeroU32, trusted: Vec<IpAddr>) -> Self {
        Self {
            callers: Mutex::default(),
            strangers: RateLimiter::keyed(Quota::per_minute(strangers_per_minute)),
            visits: RateLimiter::keyed(Quota::per_minute(strangers_per_minute.saturating_mul(VISITS))),
            good: Good::default(),
            trusted,
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

    /// The address that a request comes from. A proxy's word is taken only when the proxy is trusted; then only what it
    /// added itself, the last entry, for whoever asks writes the earlier ones. What is no address there is nobody's word.
    pub(crate) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.trusted.contains(&peer) {
            return peer;
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        forwarded
            .and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
            .and_then(|last| std::str::from_utf8(last).ok())
            .and_then(|last| address(last.trim()))
            .unwrap_or(peer)
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

/// An address as proxies write it: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let found = bare.parse::<IpAddr>().ok();
    let found = found.or_else(|| text.parse::<SocketAddr>().map(|with_port| with_port.ip()).ok());
    found.map(|address| address.to_canonical())
}

/// One network of a household or company, not one of its endless addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_count_and_is_told_when_to_come_back() {
        let limits = Limits::new(NonZeroU32::MIN, Vec::new());
        let two = NonZeroU32::new(2).unwrap();
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(limits.count(one, two).remaining, 1);
        assert_eq!(limits.count(one, two).remaining, 0);
        let over = limits.count(one, two);
        assert!(over.wait.unwrap() <= Duration::from_secs(30), "{over:?}");
        assert_eq!(limits.count(other, two).wait, None);
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let proxy: SocketAddr = "10.0.0.1:4000".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        let trusting = Limits::new(NonZeroU32::MIN, vec![proxy.ip()]);
        assert_eq!(trusting.source(proxy, &headers).to_string(), "2.2.2.2");
        let wary = Limits::new(NonZeroU32::MIN, Vec::new());
        assert_eq!(wary.source(proxy, &headers), proxy.ip());
    }

    #[test]
    fn only_what_the_trusted_proxy_added_itself_is_believed_in_whatever_form_it_writes_addresses() {
        let proxy: SocketAddr = "10.0.0.1:4000".parse().unwrap();
        let trusting = Limits::new(NonZeroU32::MIN, vec![proxy.ip()]);
        for (sent, source) in [
            ("1.1.1.1, 2.2.2.2:51234", "2.2.2.2"),
            ("1.1.1.1,2001:db8::7", "2001:db8::7"),
            ("1.1.1.1, [2001:db8::7]:51234", "2001:db8::7"),
            ("1.1.1.1, [2001:db8::7]", "2001:db8::7"),
            ("1.1.1.1, ::ffff:2.2.2.2", "2.2.2.2"),
            ("1.1.1.1, unknown", "10.0.0.1"),
            ("1.1.1.1, _hidden", "10.0.0.1"),
            ("1.1.1.1,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("1.1.1.1, ñ", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                "x-forwarded-for",
                http::HeaderValue::from_bytes(sent.as_bytes()).unwrap(),
            );
            assert_eq!(trusting.source(proxy, &headers).to_string(), source, "{sent}");
        }
    }

    #[test]
    fn of_several_headers_the_last_one_is_the_proxys() {
        let proxy: SocketAddr = "10.0.0.1:4000".parse().unwrap();
        let trusting = Limits::new(NonZeroU32::MIN, vec![proxy.ip()]);
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1".parse().unwrap());
        headers.append("x-forwarded-for", "2.2.2.2:80".parse().unwrap());
        assert_eq!(trusting.source(proxy, &headers).to_string(), "2.2.2.2");
    }
}
