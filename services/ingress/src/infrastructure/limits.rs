//! What one source may send, and how much memory all of them together may hold.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::HeaderMap;
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::Refusal;

/// Sources remembered at most before idle ones are forgotten at once.
const MAX_SOURCES: usize = 100_000;

/// Limits over all requests of this replica.
pub(crate) struct Limits {
    sources: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    refused: RateLimiter<governor::state::NotKeyed, governor::state::InMemoryState, DefaultClock>,
    memory: Arc<Semaphore>,
    trusted: Vec<IpAddr>,
}

impl Limits {
    pub(crate) fn new(
        rate: NonZeroU32,
        burst: NonZeroU32,
        refused: NonZeroU32,
        memory_kib: u32,
        trusted: Vec<IpAddr>,
    ) -> Self {
        Self {
            sources: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            refused: RateLimiter::direct(Quota::per_second(refused)),
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            trusted,
        }
    }

    /// The address that a request comes from. A proxy's word is taken only when the proxy is trusted; then only what it
    /// added itself, the last entry, for whoever asks writes the earlier ones. What is no address there is nobody's word.
    pub(crate) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.trusted.contains(&peer) {
            return peer;
        }
        headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
            .and_then(|last| std::str::from_utf8(last).ok())
            .and_then(|last| address(last.trim()))
            .unwrap_or(peer)
    }

    /// Counts a request against its source.
    pub(crate) fn admit(&self, source: IpAddr) -> Result<(), Refusal> {
        // One network of a household or company, not one of its endless addresses.
        let key = match source {
            IpAddr::V4(_) => source,
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
        };
        self.sources.check_key(&key).map_err(|_| Refusal::TooMany)
    }

    /// Reserves memory for a body.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let kib = u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        self.memory
            .clone()
            .try_acquire_many_owned(kib)
            .map_err(|_| Refusal::NotStored)
    }

    /// Whether one more request that is not authentic may be kept.
    pub(crate) fn may_keep_refused(&self) -> bool {
        self.refused.check().is_ok()
    }

    /// Forgets sources that have been quiet.
    pub(crate) fn forget_idle(&self) {
        if self.sources.len() > MAX_SOURCES / 100 {
            self.sources.retain_recent();
            self.sources.shrink_to_fit();
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_trusted_proxy_added_itself_is_believed_in_whatever_form_it_writes_addresses() {
        let proxy: SocketAddr = "10.0.0.1:4000".parse().unwrap();
        let one = NonZeroU32::MIN;
        let trusting = Limits::new(one, one, one, 1, vec![proxy.ip()]);
        for (sent, source) in [
            ("1.1.1.1, 2.2.2.2", "2.2.2.2"),
            ("1.1.1.1, 2.2.2.2:51234", "2.2.2.2"),
            ("1.1.1.1, [2001:db8::7]:51234", "2001:db8::7"),
            ("1.1.1.1, unknown", "10.0.0.1"),
            ("1.1.1.1,", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", sent.parse().unwrap());
            assert_eq!(trusting.source(proxy, &headers).to_string(), source, "{sent}");
        }
    }
}
