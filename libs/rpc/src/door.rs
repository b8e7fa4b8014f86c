//! The server of a service's questions and commands: bounded, and never without its guard.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use puente_types::{Clock, Secret};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::service::{Interceptor, InterceptorLayer, Routes};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Status};

use crate::{Guard, KeyError, RpcKeys};

/// Headers are a token and a trace.
const MAX_HEADERS: u32 = 8 * 1024;
/// Calls answered at a time; one more is refused, for it would only wait for a database connection.
const AT_A_TIME: usize = 64;
/// Calls under way on one connection.
const PER_CONNECTION: u32 = 64;
/// An answer that takes longer is of no use to a caller.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection whose other end is silent for so long is asked, and closed without an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How long open connections may keep a stopping server waiting.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// Where a service is asked by others.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    guard: Guard,
    patience: Duration,
}

/// Why a service cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

impl Door {
    /// The door of the service `audience` as it is configured; `None` without a key: then nobody is answered.
    ///
    /// # Errors
    /// When the key or the address is not usable.
    pub async fn open(
        address: SocketAddr,
        rpc_key: &Secret,
        audience: &'static str,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, DoorError> {
        if rpc_key.expose().is_empty() {
            tracing::info!("there is no rpc key: other services get no answers from {audience}");
            return Ok(None);
        }
        let guard = Guard::new(RpcKeys::parse(rpc_key)?, audience, clock);
        let bound = Self::bind(address, guard).await;
        bound
            .map(Some)
            .map_err(|source| DoorError::Listen { address, source })
    }

    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(address: SocketAddr, guard: Guard) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            listener,
            guard,
            patience: PATIENCE,
        })
    }

    /// The same, for a service whose callers may ask it to wait for something: answers may take so long.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers, behind the guard, until it is told to stop.
    ///
    /// # Errors
    /// When the server breaks.
    pub async fn serve(self, routes: Routes, stop: CancellationToken) -> Result<(), tonic::transport::Error> {
        let entrance = Entrance {
            guard: self.guard,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        };
        let serve = Server::builder()
            .timeout(self.patience)
            .max_concurrent_streams(PER_CONNECTION)
            .http2_max_header_list_size(MAX_HEADERS)
            .http2_keepalive_interval(Some(SILENCE))
            .layer(InterceptorLayer::new(entrance))
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(self.listener).with_nodelay(Some(true)),
                stop.clone().cancelled_owned(),
            );
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(CLOSE_PATIENCE).await;
        };
        tokio::select! {
            result = serve => result,
            () = patience => Ok(()),
        }
    }
}

/// A place among the calls that are answered at a time. It is free again when the answer is there.
#[derive(Debug, Clone)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never looked at")] Arc<OwnedSemaphorePermit>);

/// Lets a good caller in when there is a turn for it.
#[derive(Debug, Clone)]
struct Entrance {
    guard: Guard,
    turns: Arc<Semaphore>,
}

impl Interceptor for Entrance {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        // Strangers take no turn.
        let mut request = self.guard.call(request)?;
        let Ok(turn) = self.turns.clone().try_acquire_owned() else {
            return Err(Status::resource_exhausted("too many calls at a time"));
        };
        request.extensions_mut().insert(Turn(Arc::new(turn)));
        Ok(request)
    }
}
