//! What strangers may hold open, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use puente_service::serve::{Bounds, serve};
use puente_testkit::wait_for;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer: more than the buffers between two sockets hold.
const MUCH: usize = 64 << 20;
const WHOLE: &str = "GET /who HTTP/1.1\r\nhost: puente\r\n\r\n";

struct Stage {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinSet<std::io::Result<()>>,
    /// Told when a body is being waited for.
    begun: mpsc::UnboundedReceiver<()>,
}

impl Stage {
    async fn of(bounds: Bounds) -> Self {
        let (tell, begun) = mpsc::unbounded_channel();
        let take = move |request: axum::extract::Request| async move {
            tell.send(()).unwrap();
            let body = axum::body::to_bytes(request.into_body(), 1_024).await.unwrap();
            format!("{} bytes", body.len())
        };
        let who = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
        let router = Router::new()
            .route("/who", get(who))
            .route("/much", get(async || vec![0_u8; MUCH]))
            .route("/take", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut served = JoinSet::new();
        served.spawn(serve(listener, router, bounds, stop.clone()));
        Self {
            address,
            stop,
            served,
            begun,
        }
    }

    /// Waits until serving has ended, which must be well.
    async fn ended(&mut self) {
        self.served.join_next().await.unwrap().unwrap().unwrap();
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn ask(connection: &mut TcpStream) -> std::io::Result<String> {
    connection.write_all(WHOLE.as_bytes()).await?;
    let mut answer = Vec::with_capacity(1_024);
    connection.read_buf(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether the other side has closed, in whichever way.
async fn closed(connection: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, connection.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn half_a_head_is_not_waited_for_and_neither_is_silence_before_or_after_a_request() {
    let stage = Stage::of(Bounds {
        head: Duration::from_secs(2),
        ..Bounds::default()
    })
    .await;
    let mut silent = stage.connect().await;
    let mut half = stage.connect().await;
    half.write_all(b"GET /who HTTP/1.1\r\nhost: pue").await.unwrap();
    let mut done = stage.connect().await;
    assert!(ask(&mut done).await.unwrap().contains("127.0.0.1"));
    for (what, connection) in [
        ("silence", &mut silent),
        ("half a head", &mut half),
        ("idle", &mut done),
    ] {
        assert!(closed(connection).await, "{what}");
    }
    assert!(
        ask(&mut stage.connect().await)
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn a_connection_too_many_is_closed_at_once_and_the_place_of_one_that_left_is_given_again() {
    let stage = Stage::of(Bounds {
        connections: 2,
        ..Bounds::default()
    })
    .await;
    let (mut first, mut second) = (stage.connect().await, stage.connect().await);
    for connection in [&mut first, &mut second] {
        assert!(ask(connection).await.unwrap().starts_with("HTTP/1.1 200"));
    }
    assert!(closed(&mut stage.connect().await).await);
    assert!(
        ask(&mut first).await.unwrap().starts_with("HTTP/1.1 200"),
        "who is in stays in"
    );
    drop(second);
    wait_for("a place", PATIENCE, || async {
        match ask(&mut stage.connect().await).await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_much_and_reads_nothing_is_let_go() {
    let stage = Stage::of(Bounds {
        write: Duration::from_millis(300),
        connections: 1,
        ..Bounds::default()
    })
    .await;
    let mut deaf = stage.connect().await;
    deaf.write_all(b"GET /much HTTP/1.1\r\nhost: puente\r\n\r\n")
        .await
        .unwrap();
    wait_for("the place of the deaf one", PATIENCE, || async {
        match ask(&mut stage.connect().await).await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let mut rest = Vec::new();
    let _ = deaf.read_to_end(&mut rest).await;
    assert!(!rest.is_empty() && rest.len() < MUCH, "{}", rest.len());
}

#[tokio::test]
async fn told_to_stop_it_lets_requests_end_and_waits_for_nobody_for_ever() {
    let mut stage = Stage::of(Bounds {
        close: PATIENCE,
        ..Bounds::default()
    })
    .await;
    let mut slow = stage.connect().await;
    slow.write_all(b"POST /take HTTP/1.1\r\nhost: puente\r\ncontent-length: 4\r\n\r\nab")
        .await
        .unwrap();
    stage.begun.recv().await.unwrap();
    stage.stop.cancel();
    slow.write_all(b"cd").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("4 bytes"), "{answer}");
    stage.ended().await;

    let mut stage = Stage::of(Bounds {
        close: Duration::from_millis(200),
        ..Bounds::default()
    })
    .await;
    let mut never = stage.connect().await;
    never
        .write_all(b"POST /take HTTP/1.1\r\nhost: puente\r\ncontent-length: 4\r\n\r\nab")
        .await
        .unwrap();
    stage.begun.recv().await.unwrap();
    stage.stop.cancel();
    stage.ended().await;
    assert!(closed(&mut never).await);
}
