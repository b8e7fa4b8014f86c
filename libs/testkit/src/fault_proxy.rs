//! A TCP proxy that misbehaves on request: for PostgreSQL, NATS and HTTP alike.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does to connections now.
#[derive(Debug, Clone, Copy, Default)]
struct Mood {
    cut: bool,
    paused: bool,
    latency: Duration,
    /// Connections of an earlier generation are broken.
    generation: u64,
}

/// A proxy before one server. Faults last until [`Proxy::mend`].
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy to `target`, e.g. `127.0.0.1:5432`, on a free port.
    pub async fn to(target: impl Into<String>) -> Self {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let mood = watch::Sender::new(Mood::default());
        let told = mood.subscribe();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if told.borrow().cut {
                    reset(&client);
                    continue;
                }
                tokio::spawn(carry(client, target.clone(), told.clone()));
            }
        });
        Self {
            address,
            mood,
            accepting,
        }
    }

    /// A proxy to the server that `url` names.
    pub async fn to_url(url: &str) -> Self {
        let (_, _, authority, _) = parts(url);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self::to(host).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same URL, but through this proxy.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let (scheme, separator, authority, rest) = parts(url);
        let login = authority
            .rsplit_once('@')
            .map_or(String::new(), |(login, _)| format!("{login}@"));
        format!("{scheme}{separator}{login}{}{rest}", self.address)
    }

    /// Breaks every connection and refuses new ones.
    pub fn cut(&self) {
        self.mood.send_modify(|mood| {
            mood.cut = true;
            mood.generation += 1;
        });
    }

    /// Breaks every connection; new ones are served.
    pub fn break_connections(&self) {
        self.mood.send_modify(|mood| mood.generation += 1);
    }

    /// Swallows all traffic without breaking anything: the network that has gone quiet.
    pub fn pause(&self) {
        self.mood.send_modify(|mood| mood.paused = true);
    }

    /// Delays every piece of traffic, in each direction.
    pub fn slow(&self, latency: Duration) {
        self.mood.send_modify(|mood| mood.latency = latency);
    }

    /// Behaves again. What was paused goes on.
    pub fn mend(&self) {
        self.mood.send_modify(|mood| {
            *mood = Mood {
                generation: mood.generation,
                ..Mood::default()
            }
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.break_connections();
    }
}

/// Scheme, `://`, authority, and the rest of a URL; without a scheme it is all authority.
fn parts(url: &str) -> (&str, &str, &str, &str) {
    let (scheme, separator, rest) = url
        .split_once("://")
        .map_or(("", "", url), |(s, r)| (s, "://", r));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (scheme, separator, authority, path)
}

/// Makes the close of this connection a reset, as from a machine that is gone.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

async fn carry(client: TcpStream, target: String, mut told: watch::Receiver<Mood>) {
    let generation = told.borrow_and_update().generation;
    let Ok(server) = TcpStream::connect(&target).await else {
        reset(&client);
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let broken = {
        let (up, down) = (told.clone(), told.clone());
        let both = async {
            tokio::join!(
                pump(&mut from_client, &mut to_server, up),
                pump(&mut from_server, &mut to_client, down)
            );
        };
        tokio::select! {
            () = both => false,
            _ = told.wait_for(|mood| mood.generation != generation) => true,
        }
    };
    if broken {
        let _ = from_client.reunite(to_client).map(|client| reset(&client));
        let _ = from_server.reunite(to_server).map(|server| reset(&server));
    }
}

/// Carries one direction until its end, and hands that end on.
async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut told: watch::Receiver<Mood>,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut piece).await {
        let Ok(mood) = told.wait_for(|mood| !mood.paused).await.map(|mood| *mood) else {
            return;
        };
        tokio::time::sleep(mood.latency).await;
        let Some(carried) = piece.get(..length).filter(|carried| !carried.is_empty()) else {
            break;
        };
        if to.write_all(carried).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_led_through_the_proxy() {
        assert_eq!(
            parts("postgres://u:p@h:1/db?x=1"),
            ("postgres", "://", "u:p@h:1", "/db?x=1")
        );
        assert_eq!(parts("nats://h:1"), ("nats", "://", "h:1", ""));
        assert_eq!(parts("h:1"), ("", "", "h:1", ""));
    }
}
