//! The last word of each provider about its limits, per connection.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use puente_ports::{Connection, RateHint};
use puente_telemetry::metric;
use puente_types::ConnectionId;

/// Connections remembered; a hint is news, and losing an old one loses nothing.
const MOST_KEYS: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Hints(Mutex<HashMap<ConnectionId, RateHint>>);

impl Hints {
    pub(crate) fn last(&self, connection: &ConnectionId) -> Option<RateHint> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(connection)
            .copied()
    }

    /// Remembers a hint, and warns when it is the first that says that less than a fifth is left.
    pub(crate) fn take(&self, connection: &Connection, hint: RateHint) {
        let before = self.put(&connection.id, hint);
        if let Some(used) = hint.used() {
            metric::quota_used(&connection.provider, used);
        }
        if hint.is_low() && !before.is_some_and(|before| before.is_low()) {
            tracing::warn!(
                provider = connection.provider,
                connection.id = %connection.id,
                tenant.id = %connection.tenant,
                quota.limit = hint.limit,
                quota.remaining = hint.remaining,
                "less than a fifth of the quota at {} is left",
                connection.provider,
            );
        }
    }

    fn put(&self, connection: &ConnectionId, hint: RateHint) -> Option<RateHint> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEYS && !all.contains_key(connection) {
            let any = all.keys().next().cloned();
            any.and_then(|id| all.remove(&id));
        }
        all.insert(connection.clone(), hint)
    }
}
