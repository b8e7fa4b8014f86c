//! What one source may send, and how much memory all of them together may hold.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::HeaderMap;
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use puente_service::peer::{TrustedProxies, network};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::Refusal;

/// Sources remembered at most before idle ones are forgotten at once.
const MAX_SOURCES: usize = 100_000;

/// Limits over all requests of this replica.
pub(crate) struct Limits {
    sources: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
    refused: RateLimiter<governor::state::NotKeyed, governor::state::InMemoryState, DefaultClock>,
    memory: Arc<Semaphore>,
    proxies: TrustedProxies,
}

impl Limits {
    pub(crate) fn new(
        rate: NonZeroU32,
        burst: NonZeroU32,
        refused: NonZeroU32,
        memory_kib: u32,
        proxies: TrustedProxies,
    ) -> Self {
        Self {
            sources: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            refused: RateLimiter::direct(Quota::per_second(refused)),
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            proxies,
        }
    }

    /// The address that a request comes from.
    pub(crate) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        self.proxies.source(peer, headers)
    }

    /// Counts a request against its source.
    pub(crate) fn admit(&self, source: IpAddr) -> Result<(), Refusal> {
        self.sources
            .check_key(&network(source))
            .map_err(|_| Refusal::TooMany)
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
