//! A served hub, the fleet's own way out, and a receiver of webhooks.

#![expect(clippy::disallowed_methods, reason = "tests have no Runtime to spawn on")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use puente_http::{Hooks, Http, HttpConfig};
use puente_ports::{Connection, Outbound as _, OutboundRequest, Provider};
use puente_providers::sim::{self, Account, Callbacks, Hub, Webhook};
use puente_webhook_auth::RawRequest;
use tokio::net::TcpListener;

use super::recording::Recording;
use crate::support::{DEADLINE, Setup};

/// Simulators on a port, with one account per provider that the fixtures describe.
pub(super) struct Stage {
    pub(super) hub: Hub,
    pub(super) address: SocketAddr,
    pub(super) http: Http,
}

/// A stage whose exchanges are recorded under the name of the test that opens it.
macro_rules! open_stage {
    () => {{
        fn here() {}
        $crate::simulator::stage::Stage::open(std::any::type_name_of_val(&here)).await
    }};
}
pub(super) use open_stage;

impl Stage {
    /// Use [`open_stage!`]. `place` is the path of a function within the test.
    pub(super) async fn open(place: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hub = Hub::new();
        tokio::spawn(sim::serve(listener, hub.clone(), std::future::pending()));
        let hooks = Hooks {
            recorder: Some(Arc::new(Recording::of(place, address))),
            ..Hooks::default()
        };
        let http = Http::with_hooks(HttpConfig::local(), hooks).unwrap();
        Self { hub, address, http }
    }

    /// The account of the fixtures, silent until it is told where its webhooks go.
    pub(super) fn account(slug: &str) -> Account {
        let setup = Setup::of(slug);
        let mut account = Account::new(setup.account);
        account.tenant = Some("acme".to_owned());
        for (name, value) in &setup.secrets {
            account = account.with_secret(name, value);
        }
        for (name, value) in &setup.settings {
            // The settings of accounts are texts: lists are parted by blanks.
            let texts = value
                .as_array()
                .map_or_else(|| vec![value], |all| all.iter().collect());
            let texts: Vec<_> = texts.into_iter().map(|text| text.as_str().unwrap()).collect();
            account = account.with_setting(name, &texts.join(" "));
        }
        account.callbacks = Callbacks {
            states: Vec::new(),
            ..Callbacks::default()
        };
        account
    }

    /// The connection of the fixtures, to the simulator.
    pub(super) fn connection(&self, slug: &str) -> Connection {
        let mut connection = Setup::of(slug).connection(slug);
        connection
            .settings
            .insert("base_url".to_owned(), self.url(slug, "").into());
        // Who has a host of its own for each account has it here as well.
        if let Some(base) = connection.settings.get_mut("base_uri") {
            *base = self.url(slug, "").into();
        }
        connection
    }

    pub(super) fn url(&self, slug: &str, path: &str) -> String {
        format!("http://{}/sim/{slug}{path}", self.address)
    }

    /// A request to the control paths; returns status and body.
    pub(super) async fn control(
        &self,
        method: Method,
        slug: &str,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let request = OutboundRequest {
            operation: "control",
            method,
            url: self.url(slug, &format!("/_control/{path}")),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
            body: Bytes::from(body.to_string()),
        };
        let answer = self
            .http
            .send(&self.connection(slug), request, DEADLINE)
            .await
            .unwrap();
        (
            answer.status.as_u16(),
            serde_json::from_slice(&answer.body).unwrap_or_default(),
        )
    }
}

/// Receives webhooks; answers 503 to the first `refusals`.
#[derive(Clone, Default)]
pub(super) struct Receiver {
    pub(super) got: Arc<Mutex<Vec<RawRequest>>>,
    pub(super) refusals: Arc<AtomicUsize>,
}

impl Receiver {
    /// Serves it, and returns its URL.
    pub(super) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Waits until so many have arrived, and returns them.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<RawRequest> {
        wait_until(|| self.got.lock().unwrap().len() >= count).await;
        self.got.lock().unwrap().clone()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let request = RawRequest {
        method,
        path: "/hook".to_owned(),
        query: String::new(),
        headers,
        body,
    };
    receiver.got.lock().unwrap().push(request);
    let refuse = receiver
        .refusals
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok();
    if refuse {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}

/// Waits for a condition, for a minute at most.
pub(super) async fn wait_until(met: impl Fn() -> bool) {
    let patience = tokio::time::timeout(Duration::from_mins(1), async {
        while !met() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("the condition was not met within a minute");
}

/// A built webhook as ingress would get it.
pub(super) fn arrived(webhook: &Webhook) -> RawRequest {
    let headers = webhook
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()));
    RawRequest {
        method: Method::POST,
        path: "/hook".to_owned(),
        query: String::new(),
        headers: headers.collect(),
        body: webhook.body.clone(),
    }
}

/// What an authentic webhook tells, checked at the hub's time.
pub(super) fn events(
    provider: &dyn Provider,
    connection: &Connection,
    hub: &Hub,
    request: RawRequest,
) -> Vec<puente_ports::InboundEvent> {
    let webhook = provider.webhook().unwrap();
    let verified = webhook
        .auth(connection)
        .verify(request, &connection.secrets, hub.now());
    webhook
        .translate(&verified.unwrap_or_else(|refused| panic!("refused: {}", refused.1)))
        .unwrap()
}
