//! Asking another service.

use std::sync::Arc;
use std::time::Duration;

use puente_types::Clock;
use tonic::Request;
use tonic::metadata::MetadataValue;

use crate::token::{self, Unsignable};
use crate::{Caller, RpcKeys};

/// What every call to one service carries: a token made for that call, a deadline, and the trace.
#[derive(Clone)]
pub struct Calls {
    keys: Arc<RpcKeys>,
    audience: &'static str,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl Calls {
    /// Calls to the service `audience` that are given up after `deadline`.
    #[must_use]
    pub fn new(keys: RpcKeys, audience: &'static str, clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        Self {
            keys: Arc::new(keys),
            audience,
            clock,
            deadline,
        }
    }

    /// The request that asks `message` on behalf of `caller`. Made for one call: a repeated one needs a new token.
    ///
    /// # Errors
    /// When the caller cannot be put into a token.
    pub fn request<T>(&self, caller: &Caller, message: T) -> Result<Request<T>, Unsignable> {
        let token = token::sign(&self.keys, self.audience, caller, self.clock.now())?;
        let mut value: MetadataValue<_> = format!("Bearer {token}").parse().map_err(|_| Unsignable)?;
        value.set_sensitive(true);
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", value);
        request.set_timeout(self.deadline);
        let traceparent = puente_telemetry::current_traceparent().and_then(|text| text.parse().ok());
        if let Some(traceparent) = traceparent {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        Ok(request)
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls")
            .field("audience", &self.audience)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
