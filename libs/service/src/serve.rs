//! HTTP for whoever comes: what a stranger may hold open is bounded, in time and in number.
//!
//! Nobody is known before the head of a request has been read, so that nothing above HTTP can count who sends half of one.
//! Here a head has its time, an answer must be taken off us, and a connection too many is closed at once instead of keeping a
//! socket from all others.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::{Handle, Server};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a connection may be without the whole head of a request: before its first one, and between two. Longer than
    /// load balancers keep an idle connection to use it again (60 s is usual), so that they close it, not we under their hands.
    pub head: Duration,
    /// How long nothing of an answer may be taken off us. Whoever reads slowly gets all of it; who reads nothing is let go.
    pub write: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// How long requests under way may go on once the service is told to stop.
    pub close: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
            write: Duration::from_secs(30),
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
        .acceptor(Bounded {
            places: Arc::new(Semaphore::new(bounds.connections)),
            write: bounds.write,
        });
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
struct Bounded {
    places: Arc<Semaphore>,
    write: Duration,
}

impl<I: AsyncRead + AsyncWrite, S> Accept<I, S> for Bounded {
    type Stream = Pin<Box<TimeoutStream<I>>>;
    type Service = Placed<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        ready(match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(self.write));
                let service = Placed {
                    service,
                    _place: Arc::new(place),
                };
                Ok((Box::pin(stream), service))
            }
            Err(_) => Err(io::Error::other("too many connections")),
        })
    }
}

/// What answers one connection, and its place: both live as long as the connection.
#[derive(Debug, Clone)]
struct Placed<S> {
    service: S,
    _place: Arc<OwnedSemaphorePermit>,
}

impl<S: Service<R>, R> Service<R> for Placed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.service.call(request)
    }
}
