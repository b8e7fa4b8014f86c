//! A connection to a broker, near or far, by one user of it.
//!
//! Other than a service's: a first attempt that fails is told at once, and what the broker refuses to this user is
//! kept, because the broker answers a request that it does not allow with silence.

use std::time::Duration;

use anyhow::anyhow;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};
use puente_service::NatsConfig;
use puente_service::nats::{self, Login};
use tokio::sync::watch;

use crate::exit::{Done, Failed};

/// A broker that takes longer is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// An answer of the broker that takes longer does not come.
const ANSWER: Duration = Duration::from_secs(5);
/// A peer that is gone without closing its connection is noticed after two unanswered pings.
const PING: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to reconnect.
const MAX_RECONNECT: Duration = Duration::from_secs(2);

/// What the broker says besides its answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// How often it was connected to.
    pub(crate) connects: u64,
    /// What it does not allow.
    pub(crate) denied: Option<String>,
}

/// A connection that lasts.
#[derive(Debug)]
pub(crate) struct Broker {
    /// For requests.
    pub(crate) client: Client,
    /// What the broker says besides.
    pub(crate) told: watch::Receiver<Told>,
}

impl Broker {
    /// Connects, or says why not.
    pub(crate) async fn connect(config: &NatsConfig, inbox: Option<&str>) -> Done<Self> {
        let (tell, mut told) = watch::channel(Told::default());
        let mut options = ConnectOptions::new()
            .name("puente events tail")
            .connection_timeout(CONNECT)
            .request_timeout(Some(ANSWER))
            .ping_interval(PING)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                let doubled = Duration::from_millis(20).saturating_mul(1_u32 << attempts.min(8));
                doubled.min(MAX_RECONNECT)
            })
            .custom_inbox_prefix(inbox.map_or_else(|| inbox_of(&config.url), str::to_owned))
            .event_callback(move |event| {
                note(&tell, &event);
                std::future::ready(())
            });
        if let Some(file) = &config.credentials_file {
            let credentials = std::fs::read_to_string(file).map_err(|error| {
                Failed::usage(anyhow!(
                    "the credentials file {} cannot be read: {error}",
                    file.display()
                ))
            })?;
            options = options
                .credentials(&credentials)
                .map_err(|_| Failed::usage(anyhow!("{} holds no NATS user credentials", file.display())))?;
        }
        if let Some(login) = nats::login(&config.url) {
            options = login.put_into(options);
        }
        let servers: Vec<&str> = config.url.split(',').map(str::trim).collect();
        let connected = options.connect(servers.as_slice()).await;
        let client = connected.map_err(|error| refused(&config.url, &error))?;
        // The news of this connection comes a moment later, and must not look like that of another one.
        let _ = tokio::time::timeout(ANSWER, told.wait_for(|told| told.connects > 0)).await;
        Ok(Self { client, told })
    }
}

fn note(tell: &watch::Sender<Told>, event: &Event) {
    match event {
        Event::Connected => tell.send_modify(|told| told.connects += 1),
        Event::ServerError(ServerError::Other(reason)) => {
            tell.send_modify(|told| told.denied = Some(reason.clone()));
        }
        _ => {}
    }
}

fn refused(url: &str, error: &async_nats::ConnectError) -> Failed {
    let url = without_secrets(url);
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => Failed::from(anyhow!(
            "the broker at {url} does not know this user: give --creds FILE, or user and password in the URL"
        )),
        ConnectErrorKind::ServerParse => Failed::usage(anyhow!(
            "`{url}` is no broker's address; write nats://HOST:PORT or tls://HOST:PORT"
        )),
        _ => Failed::from(anyhow!("the broker at {url} cannot be reached: {error}")),
    }
}

/// The addresses without user and password: fit for errors.
pub(crate) fn without_secrets(urls: &str) -> String {
    let one = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{host}")
    };
    urls.split(',')
        .map(|url| one(url.trim()))
        .collect::<Vec<_>>()
        .join(",")
}

/// Answers go to an inbox under the user's name: a user that may read everybody's inbox reads everybody's events.
fn inbox_of(urls: &str) -> String {
    let is_token = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        !name.is_empty() && name.bytes().all(fits)
    };
    match nats::login(urls) {
        Some(Login::User { name, .. }) if is_token(&name) => format!("_INBOX.{name}"),
        _ => "_INBOX".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_an_inbox_of_the_user_when_its_name_is_known() {
        for (url, expected) in [
            ("nats://team:secret@broker:4222", "_INBOX.team"),
            ("nats://team:secret@a:1,nats://team:secret@b:2", "_INBOX.team"),
            ("nats://broker:4222", "_INBOX"),
            ("broker", "_INBOX"),
            ("nats://a.b*:x@broker", "_INBOX"),
            ("nats://:x@broker", "_INBOX"),
        ] {
            assert_eq!(inbox_of(url), expected, "{url}");
        }
    }

    #[test]
    fn an_address_is_told_without_its_user_and_password() {
        let told = without_secrets("nats://team:hunter2@a:1, tls://b:2,c");
        assert_eq!(told, "nats://a:1,tls://b:2,nats://c");
        assert_eq!(without_secrets("nats://u:p@ss@host"), "nats://host");
    }
}
