//! The connection to the broker.
//!
//! A broker that is away must not keep a service from starting: webhooks are accepted without it. One that is
//! reachable and too old is refused, because old servers silently ignore filters and limits they do not know.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use puente_types::Secret;

use crate::config::NatsConfig;

/// The oldest server that knows all that is asked of it.
const MIN_VERSION: (i64, i64, i64) = (2, 12, 0);
/// How long the start waits to learn the server's version.
const FIRST_ANSWER: Duration = Duration::from_secs(2);
/// How often a change of the connection's state is looked for while waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A peer that is gone without closing its connection is noticed after two unanswered pings.
const PING: Duration = Duration::from_secs(10);
/// The longest pause between two attempts to reconnect.
const MAX_RECONNECT: Duration = Duration::from_secs(4);

/// Why the broker cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The server does not know what is needed.
    #[error(
        "the NATS server is version {found}, but 2.12 or newer is needed: older ones silently ignore settings"
    )]
    TooOld {
        /// What the server says it is.
        found: String,
    },
    /// The credentials file cannot be read.
    #[error("the NATS credentials file {file} cannot be read")]
    Credentials {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The URL is wrong, or the server refused the login.
    #[error("the NATS server cannot be connected to")]
    Connect(#[from] async_nats::ConnectError),
}

/// Connects, and stays connected: it goes on trying in the background for ever.
///
/// `name` is shown in the server's list of connections.
///
/// # Errors
/// When the server is reachable and too old, or the configuration cannot work.
pub async fn connect(config: &NatsConfig, name: &str) -> Result<Client, BrokerError> {
    let slot: Arc<OnceLock<Client>> = Arc::default();
    let told = Arc::clone(&slot);
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .ping_interval(PING)
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            let client = told.get().cloned();
            async move { tell(&event, client.as_ref()) }
        });
    if let Some(file) = &config.credentials_file {
        let unreadable = |source| BrokerError::Credentials {
            file: file.display().to_string(),
            source,
        };
        let credentials = tokio::fs::read_to_string(file).await.map_err(unreadable)?;
        options = options.credentials(&credentials).map_err(unreadable)?;
    }
    if let Some(login) = login(&config.url) {
        options = login.put_into(options);
    }
    let servers: Vec<&str> = config.url.split(',').map(str::trim).collect();
    let client = options.connect(servers.as_slice()).await?;
    let _ = slot.set(client.clone());

    if !answers_within(&client, FIRST_ANSWER).await {
        tracing::warn!("the NATS server does not answer yet; connecting goes on in the background");
    }
    match too_old(&client) {
        Some(found) => Err(BrokerError::TooOld { found }),
        None => Ok(client),
    }
}

/// Who logs in, where the address says it. The client library leaves that part of an address alone.
#[derive(Debug, Clone)]
pub enum Login {
    /// `nats://name:password@host`
    User {
        /// The user.
        name: String,
        /// Its password.
        password: Secret,
    },
    /// `nats://token@host`
    Token(Secret),
}

impl Login {
    /// These options, with this login.
    #[must_use]
    pub fn put_into(self, options: ConnectOptions) -> ConnectOptions {
        match self {
            Self::User { name, password } => options.user_and_password(name, password.expose().to_owned()),
            Self::Token(token) => options.token(token.expose().to_owned()),
        }
    }
}

/// The login of the first of these addresses, if it has one.
#[must_use]
pub fn login(urls: &str) -> Option<Login> {
    let address: ServerAddr = urls.split(',').next()?.trim().parse().ok()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let name = decoded(address.username()?)?;
    Some(match address.password() {
        Some(password) => Login::User {
            name,
            password: Secret::new(decoded(password)?),
        },
        None => Login::Token(Secret::new(name)),
    })
}

/// A readiness check: connected to a server that is new enough.
///
/// # Errors
/// With the reason.
pub fn ready(client: &Client) -> Result<(), String> {
    match client.connection_state() {
        State::Connected if too_old(client).is_some() => Err("the server is older than 2.12".to_owned()),
        State::Connected if client.try_server_info().is_some() => Ok(()),
        State::Connected | State::Pending => Err("not connected yet".to_owned()),
        State::Disconnected => Err("not connected".to_owned()),
    }
}

/// Sends what is queued (acknowledgements above all) and closes. False when the deadline passed first.
pub async fn drain(client: &Client, deadline: Duration) -> bool {
    if client.connection_state() != State::Connected {
        return true; // nothing can be sent, and what was unacknowledged will come again
    }
    let closing = async {
        let _ = client.flush().await;
        let _ = client.drain().await;
        // `drain` returns before it is done, and the state never says so: a closed client refuses to flush.
        while client.flush().await.is_ok() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(deadline, closing).await.is_ok()
}

/// The server's version, if it is known and too old. A client is connected a moment before it knows.
fn too_old(client: &Client) -> Option<String> {
    let (major, minor, patch) = MIN_VERSION;
    let info = client.try_server_info()?;
    (!client.is_server_compatible(major, minor, patch)).then_some(info.version)
}

/// Waits until the server has said what it is.
async fn answers_within(client: &Client, deadline: Duration) -> bool {
    let wait = async {
        while client.try_server_info().is_none() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(deadline, wait).await.is_ok()
}

fn tell(event: &Event, client: Option<&Client>) {
    match event {
        Event::Connected => match client.and_then(too_old) {
            Some(version) => {
                tracing::error!(version, "the NATS server is too old: 2.12 or newer is needed");
            }
            None => tracing::info!("connected to the NATS server"),
        },
        Event::Disconnected => tracing::warn!("the connection to the NATS server was lost"),
        Event::SlowConsumer(subscription) => {
            tracing::warn!(subscription, "a NATS subscription is too slow and drops messages");
        }
        Event::ServerError(error) => tracing::warn!(%error, "the NATS server reports an error"),
        Event::ClientError(error) => tracing::warn!(%error, "the NATS client reports an error"),
        Event::LameDuckMode | Event::Draining | Event::Closed => tracing::debug!(%event, "NATS connection"),
    }
}

/// Doubles from 20 ms to four seconds, and spreads over the upper half, so that a fleet does not return as one.
fn reconnect_delay(attempts: usize) -> Duration {
    if attempts <= 1 {
        return Duration::ZERO;
    }
    let doubled = Duration::from_millis(10).saturating_mul(1_u32 << attempts.min(10));
    let full = doubled.min(MAX_RECONNECT);
    // The last bits of a UUID are random; a generator of its own would be a dependency for one number.
    let (_, low) = uuid::Uuid::now_v7().as_u64_pair();
    let spread = f64::from((low & 0xffff) as u16) / f64::from(u16::MAX);
    full.mul_f64(0.5 + spread / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_the_address_is_a_user_with_its_password_or_a_token() {
        let user = |urls: &str| match login(urls) {
            Some(Login::User { name, password }) => Some((name, password.expose().to_owned())),
            _ => None,
        };
        let expected = Some(("team".to_owned(), "p@ss:1".to_owned()));
        assert_eq!(user("nats://team:p%40ss%3A1@a:4222, nats://b"), expected);
        assert_eq!(user("tls://team:p%40ss:1@a"), expected);
        assert!(matches!(login("nats://abc@a"), Some(Login::Token(token)) if token.expose() == "abc"));
        for none in ["nats://a:4222", "a", "", "nats://%ff:x@a"] {
            assert!(login(none).is_none(), "{none}");
        }
        assert!(!format!("{:?}", login("nats://team:hunter2@a")).contains("hunter2"));
    }

    #[test]
    fn the_reconnect_delay_grows_and_stays_bounded() {
        assert_eq!(reconnect_delay(1), Duration::ZERO);
        for attempts in 2..100 {
            let delay = reconnect_delay(attempts);
            assert!(
                delay <= MAX_RECONNECT && delay >= Duration::from_millis(20),
                "{attempts}: {delay:?}"
            );
        }
        assert!(reconnect_delay(50) >= MAX_RECONNECT / 2);
    }
}
