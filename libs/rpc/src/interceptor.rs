//! The one place where a call between services is let in.

use std::sync::Arc;

use puente_types::Clock;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::{Caller, RpcKeys, token};

/// The only thing that a refused caller is told.
const REFUSED: &str = "a valid caller token is needed";
const SCHEME: &str = "Bearer ";

/// Lets calls in that carry a good token for this service, and puts their [`Caller`] into the request's extensions.
#[derive(Clone)]
pub struct Guard {
    keys: Arc<RpcKeys>,
    audience: &'static str,
    clock: Arc<dyn Clock>,
}

impl Guard {
    /// The guard of the service `audience`.
    #[must_use]
    pub fn new(keys: RpcKeys, audience: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self {
            keys: Arc::new(keys),
            audience,
            clock,
        }
    }

    fn caller(&self, request: &Request<()>) -> Option<Caller> {
        let mut values = request.metadata().get_all("authorization").iter();
        let value = values.next()?;
        // Of two tokens nobody knows which one is meant.
        if values.next().is_some() {
            return None;
        }
        let token = value.to_str().ok()?.strip_prefix(SCHEME)?;
        token::verify(&self.keys, self.audience, token, self.clock.now()).ok()
    }
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self
            .caller(&request)
            .ok_or_else(|| Status::unauthenticated(REFUSED))?;
        // Behind the guard nobody needs it any more.
        request.metadata_mut().remove("authorization");
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
