//! HTTP for whoever comes: what a stranger may hold open is bounded, in time and in number.
//!
//! Nobody is known before the head of a request has been read, so that nothing above HTTP can count who sends half of one.
//! Here a head has its time, and a connection too many is closed at once instead of keeping a socket from all others.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use axum_server::{Handle, Server};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a connection may be without the whole head of a request: before its first one, and between two. Longer than
    /// load balancers keep an idle connection to use it again (60 s is usual), so that they close it, not we under their hands.
    pub head: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// How long requests under way may go on once the service is told to stop.
    pub close: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
            connections: 8_192,
            close: Duration::from_secs(10),
        }
    }
}

/// Serves until `stop`, and then until requests under way have ended or their time is over.
///
/// # Errors
/// When the socket can no longer be listened on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) -> io::Result<()> {
    let handle: Handle<SocketAddr> = Handle::new();
    let mut server = Server::from_listener(listener)
        .handle(handle.clone())
        .first_request_timeout(bounds.head)
        .acceptor(Counted(Arc::new(Semaphore::new(bounds.connections))));
    server.http_builder().http1().header_read_timeout(bounds.head);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = server.serve(service);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = stop.cancelled() => handle.graceful_shutdown(Some(bounds.close)),
    }
    serving.await
}

/// Lets so many connections in as there are places; each keeps its place until it ends.
#[derive(Debug, Clone)]
struct Counted(Arc<Semaphore>);

impl<I, S> Accept<I, S> for Counted {
    type Stream = I;
    type Service = AddExtension<S, Arc<OwnedSemaphorePermit>>;
    type Future = Ready<io::Result<(I, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        ready(match self.0.clone().try_acquire_owned() {
            // The service lives as long as its connection.
            Ok(place) => Ok((stream, Extension(Arc::new(place)).layer(service))),
            Err(_) => Err(io::Error::other("too many connections")),
        })
    }
}
