//! Shapes bursts of direct reads, per connection and process.
//!
//! Effects take their exact grants from the database; reads (status look-ups, template lists) do not, and a loop over
//! them must not eat the provider's limit. A read waits for its turn as long as its deadline allows.

use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::ConnectionId;
use tokio::time::{Instant, sleep};

use crate::HttpConfig;

/// Connections remembered before those that have their full allowance again are forgotten.
const MOST_KEYS: usize = 4096;

pub(crate) struct Reads {
    limiter: DefaultKeyedRateLimiter<ConnectionId>,
    clock: DefaultClock,
}

impl Reads {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let quota = Quota::per_second(config.reads_per_second).allow_burst(config.read_burst);
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Waits for the connection's turn.
    pub(crate) async fn turn(
        &self,
        connection: &ConnectionId,
        deadline: Instant,
    ) -> Result<(), ProviderError> {
        if self.limiter.len() > MOST_KEYS {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        while let Err(not_yet) = self.limiter.check_key(connection) {
            let wait = not_yet
                .wait_time_from(self.clock.now())
                .max(Duration::from_millis(1));
            if Instant::now() + wait >= deadline {
                return Err(ProviderError::new(
                    ProviderErrorKind::RateLimited {
                        retry_after: Some(wait),
                    },
                    "reads_limited",
                    "more reads than this process allows itself",
                ));
            }
            sleep(wait).await;
        }
        Ok(())
    }
}
