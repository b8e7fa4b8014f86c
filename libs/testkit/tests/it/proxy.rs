use std::time::{Duration, Instant};

use puente_testkit::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that sends back what it gets.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn call(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_all(b"x").await?;
    stream.read_u8().await
}

#[tokio::test]
async fn traffic_passes_until_the_proxy_is_cut_and_again_when_it_is_mended() {
    let proxy = Proxy::to(echo().await).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(call(&mut stream).await.unwrap(), b'x');
    proxy.cut();
    assert!(call(&mut stream).await.is_err(), "the open connection is broken");
    let refused = match TcpStream::connect(proxy.address()).await {
        Ok(mut stream) => call(&mut stream).await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "a new one as well");
    proxy.mend();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(call(&mut stream).await.unwrap(), b'x');
}

#[tokio::test]
async fn broken_connections_can_be_made_anew_at_once() {
    let proxy = Proxy::to(echo().await).await;
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(call(&mut old).await.unwrap(), b'x');
    proxy.break_connections();
    assert!(call(&mut old).await.is_err());
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(call(&mut new).await.unwrap(), b'x');
}

#[tokio::test]
async fn a_paused_proxy_holds_traffic_back_and_a_mended_one_lets_it_go() {
    let proxy = Proxy::to(echo().await).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.pause();
    stream.write_all(b"x").await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
    assert!(silent.is_err(), "nothing comes through");
    proxy.mend();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
async fn a_slow_proxy_delays_both_directions() {
    let proxy = Proxy::to(echo().await).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.slow(Duration::from_millis(50));
    let begin = Instant::now();
    assert_eq!(call(&mut stream).await.unwrap(), b'x');
    assert!(
        begin.elapsed() >= Duration::from_millis(100),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_a_broken_connection() {
    let proxy = Proxy::to("127.0.0.1:1").await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(call(&mut stream).await.is_err());
}
