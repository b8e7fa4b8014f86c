//! How fast a connection is called: the quotas of its provider, held in this process before a call is made, and the pauses
//! that the provider asked for.
//!
//! A quota of *N* calls in a window *W* lets a quarter of *N* go at once, and the rest evenly: never more than *N* in any
//! window. Replicas do not know of each other here; what they do too much the provider refuses, and the next engine is asked.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use puente_effects::quota::Limit;
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::ConnectionId;
use tokio::time::Instant;

/// The pause after a refusal that names none.
const USUAL_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause that is obeyed; after it the provider is asked again whether it still refuses.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Scopes remembered at most; beyond, all are forgotten and begin anew.
const MOST_SCOPES: usize = 4_096;

/// The pace of all connections.
#[derive(Default)]
pub(crate) struct Pace {
    scopes: Mutex<HashMap<String, (Limit, Arc<DefaultDirectRateLimiter>)>>,
    paused: Mutex<HashMap<ConnectionId, Instant>>,
    clock: DefaultClock,
}

impl Pace {
    /// Waits for the turn of a connection with these quotas, until `deadline` at most.
    ///
    /// # Errors
    /// `RateLimited` when its turn comes later.
    pub(crate) async fn turn(
        &self,
        connection: &ConnectionId,
        limits: &[Limit],
        deadline: Instant,
    ) -> Result<(), ProviderError> {
        if let Some(wait) = self.pause(connection) {
            return Err(limited("paused", wait));
        }
        for limit in limits {
            let limiter = self.limiter(limit);
            while let Err(not_yet) = limiter.check() {
                let wait = not_yet
                    .wait_time_from(self.clock.now())
                    .max(Duration::from_millis(1));
                if Instant::now() + wait >= deadline {
                    return Err(limited("quota", wait));
                }
                tokio::time::sleep(wait).await;
            }
        }
        Ok(())
    }

    /// The provider said that it is called too often.
    pub(crate) fn hear(&self, connection: &ConnectionId, error: &ProviderError) {
        let ProviderErrorKind::RateLimited { retry_after } = error.kind() else {
            return;
        };
        let wait = retry_after.unwrap_or(USUAL_PAUSE).min(LONGEST_PAUSE);
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.insert(connection.clone(), Instant::now() + wait);
    }

    fn pause(&self, connection: &ConnectionId) -> Option<Duration> {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        paused.retain(|_, until| *until > now);
        paused.get(connection).map(|until| *until - now)
    }

    fn limiter(&self, limit: &Limit) -> Arc<DefaultDirectRateLimiter> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if scopes.len() >= MOST_SCOPES {
            scopes.clear();
        }
        // A changed quota begins anew.
        match scopes.get(&limit.scope) {
            Some((known, limiter)) if known == limit => Arc::clone(limiter),
            _ => {
                let limiter = Arc::new(RateLimiter::direct(quota(limit)));
                scopes.insert(limit.scope.clone(), (limit.clone(), Arc::clone(&limiter)));
                limiter
            }
        }
    }
}

fn quota(limit: &Limit) -> Quota {
    let calls = NonZeroU32::new(limit.calls).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(calls.get().div_ceil(4)).unwrap_or(NonZeroU32::MIN);
    let evenly = (calls.get() - burst.get()).max(1);
    let period = (limit.window / evenly).max(Duration::from_nanos(1));
    Quota::with_period(period)
        .unwrap_or_else(|| Quota::per_second(calls))
        .allow_burst(burst)
}

fn limited(code: &str, wait: Duration) -> ProviderError {
    let kind = ProviderErrorKind::RateLimited {
        retry_after: Some(wait),
    };
    ProviderError::new(kind, code, "the connection is called as often as it may be")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(calls: u32) -> Limit {
        Limit {
            scope: "acme-eye:minute".to_owned(),
            calls,
            window: Duration::from_secs(60),
        }
    }

    #[tokio::test]
    async fn a_quota_holds_whoever_comes_too_early() {
        let (pace, connection) = (Pace::default(), "acme-eye".parse().unwrap());
        let now = Instant::now();
        let mut granted = 0;
        while pace.turn(&connection, &[limit(20)], now).await.is_ok() {
            granted += 1;
        }
        assert_eq!(granted, 5, "a quarter at once");
        let refused = pace.turn(&connection, &[limit(20)], now).await.unwrap_err();
        assert_eq!(refused.code(), "quota");
        assert!(matches!(
            refused.kind(),
            ProviderErrorKind::RateLimited { retry_after: Some(_) }
        ));
    }

    #[tokio::test]
    async fn a_pause_that_the_provider_asked_for_is_kept_for_its_connection_alone() {
        let pace = Pace::default();
        let (one, other) = ("acme-eye".parse().unwrap(), "other-eye".parse().unwrap());
        let deadline = Instant::now() + Duration::from_secs(1);
        let kind = ProviderErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(26)),
        };
        pace.hear(&one, &ProviderError::new(kind, "429", "too many"));
        assert_eq!(pace.turn(&one, &[], deadline).await.unwrap_err().code(), "paused");
        assert!(pace.turn(&other, &[], deadline).await.is_ok());
    }
}
