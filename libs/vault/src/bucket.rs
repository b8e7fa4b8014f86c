//! The key-value bucket that spreads connections, still sealed, to every service.

use async_nats::Client;
use async_nats::jetstream::kv::{Config, Store};
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, context::CreateKeyValueError};

/// The bucket's name. Key: the connection's id.
pub const BUCKET: &str = "connections";

/// A connection is a few kilobytes; anything near this is a mistake.
const MAX_VALUE_BYTES: i32 = 256 * 1024;

/// Opens the bucket, and makes it where it is missing.
///
/// An existing bucket is left as it is: its replicas and limits are the operator's, and a service that starts must
/// not turn them back.
pub(crate) async fn ensure(client: &Client) -> Result<Store, CreateKeyValueError> {
    let context = jetstream::new(client.clone());
    if let Ok(store) = context.get_key_value(BUCKET).await {
        return Ok(store);
    }
    let config = Config {
        bucket: BUCKET.to_owned(),
        description: "Connections to providers, sealed".to_owned(),
        history: 1,
        storage: StorageType::File,
        max_value_size: MAX_VALUE_BYTES,
        num_replicas: 1,
        ..Config::default()
    };
    context.create_key_value(config).await
}
