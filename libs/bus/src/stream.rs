//! The stream that holds all events, declared and made again when it is gone.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use time::OffsetDateTime;

use crate::topology;

/// What an installation may choose about the stream.
#[derive(Debug, Clone, Copy)]
pub struct StreamSettings {
    /// Copies: 1 on one machine, 3 in a cluster.
    pub replicas: usize,
    /// How long events stay readable.
    pub max_age: Duration,
}

impl StreamSettings {
    /// How long events stay readable, in days, unless somebody says otherwise. Whoever remembers what was handled does so
    /// for at least as long.
    pub const MAX_AGE_DAYS: u16 = 30;
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            replicas: 1,
            max_age: Duration::from_hours(24 * u64::from(Self::MAX_AGE_DAYS)),
        }
    }
}

/// The stream as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// When the broker made it: another time than the one remembered means another disk.
    pub created_at: OffsetDateTime,
}

/// The broker refused, or is too old.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The server ignores fields that we rely on.
    #[error("nats-server {0} is too old: 2.12 or newer is needed")]
    TooOld(String),
    /// The broker's own answer.
    #[error("the broker refused `{what}`")]
    Broker {
        /// What was asked.
        what: &'static str,
        /// The answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BusError {
    pub(crate) fn broker(
        what: &'static str,
    ) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Self {
        move |source| Self::Broker { what, source }
    }
}

/// Makes the stream, or brings it to today's settings.
///
/// # Errors
/// [`BusError`] when the server is too old or refuses.
pub async fn declare(client: &async_nats::Client, settings: StreamSettings) -> Result<Declared, BusError> {
    // Unknown only before the first connection: then what is asked below fails by itself.
    if let Some(info) = client.try_server_info()
        && !client.is_server_compatible(2, 12, 0)
    {
        return Err(BusError::TooOld(info.version));
    }
    let js = jetstream::new(client.clone());
    let config = stream::Config {
        name: topology::EVENTS.to_owned(),
        subjects: vec![topology::ALL_EVENTS.to_owned()],
        retention: stream::RetentionPolicy::Limits,
        storage: stream::StorageType::File,
        num_replicas: settings.replicas,
        max_age: settings.max_age,
        // Longer than an ordinary relay outage; inboxes catch what is older.
        duplicate_window: Duration::from_mins(10),
        ..Default::default()
    };
    let info = js
        .create_or_update_stream(config)
        .await
        .map_err(|e| BusError::broker("declare the event stream")(Box::new(e)))?;
    Ok(Declared {
        created_at: info.created,
    })
}
