//! Accounts against the simulator of DocuSign, over real connections and a real database.

use std::net::SocketAddr;
use std::sync::Mutex;

use futures::FutureExt as _;
use http::header::LOCATION;
use http::{HeaderMap, Method};
use puente_http::record::{Exchange, ExchangeRecorder};
use puente_http::{Hooks, HttpConfig};
use puente_ports::{Outbound as _, OutboundRequest};
use puente_providers::sim::{self, Account as SimAccount, Hub};
use puente_testkit::{Schema, TestDb, wait_for};
use puente_types::ManualClock;
use puente_vault::{Connections, MasterKey};
use time::OffsetDateTime;

use super::*;

const BACK: &str = "https://puente.example.test/oauth/callback";
/// Made for tests; opens nothing.
const KEY: &str = include_str!("../../../../../libs/providers/tests/it/simulator/docusign/test_key.pem");

/// The paths that were asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

impl ExchangeRecorder for Asked {
    fn record(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.url.clone());
    }
}

impl Asked {
    fn count(&self, path: &str) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|url| url.contains(path))
            .count()
    }
}

struct Stage {
    hub: Hub,
    clock: ManualClock,
    asked: Arc<Asked>,
    http: Http,
    connection: Connection,
    tenant: TenantId,
    accounts: Arc<Accounts>,
    /// A second replica of the service.
    other: Arc<Accounts>,
    _db: TestDb,
}

/// Two replicas with one connection to the simulator; the simulated account is changed as the test wants it.
async fn stage(secrets: &[(&str, &str)], change: impl FnOnce(SimAccount) -> SimAccount) -> Stage {
    let clock = ManualClock::at(OffsetDateTime::from_unix_timestamp(2_000_000_000).unwrap());
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let url = format!("http://{}/sim/docusign", listener.local_addr().unwrap());
    let hub = Hub::with_clock(Arc::new(clock.clone()));
    #[expect(clippy::disallowed_methods, reason = "a test has no Runtime to spawn on")]
    tokio::spawn(sim::serve(listener, hub.clone(), std::future::pending()));
    let held = [("integration_key", "the-app"), ("hmac_key", "k")];
    let held: Vec<(&str, &str)> = held.into_iter().chain(secrets.iter().copied()).collect();
    let account = SimAccount::new("account-1").with_setting("user_id", "user-1");
    let account = held
        .iter()
        .fold(account, |account, (name, value)| account.with_secret(name, value));
    hub.put_account("docusign", change(account));
    let settings = [("base_url", url.as_str()), ("user_id", "user-1")];
    let connection = Connection {
        id: "acme-docusign".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        provider: "docusign".to_owned(),
        account: Some("account-1".to_owned()),
        settings: settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect(),
        secrets: held
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
    };
    let db = TestDb::new(&[Schema {
        service: "signature",
        common: &puente_outbox::MIGRATIONS,
        own: &crate::MIGRATIONS,
    }])
    .await;
    let asked = Arc::new(Asked::default());
    let hooks = Hooks {
        recorder: Some(asked.clone()),
        clock: Arc::new(clock.clone()),
        ..Hooks::default()
    };
    let http = Http::with_hooks(HttpConfig::local(), hooks).unwrap();
    let masters: puente_vault::MasterKeys = MasterKey::generate().unwrap().into();
    let outside = Outside {
        connections: Connections::fixed(vec![connection.clone()]),
        http: http.clone(),
        registry: puente_providers::find,
    };
    let replica = || {
        let tokens = TokenStore::new(db.pool("signature"), masters.clone(), Arc::new(clock.clone()));
        let clock = Arc::new(clock.clone());
        Arc::new(Accounts::new(tokens, outside.clone(), clock))
    };
    Stage {
        accounts: replica(),
        other: replica(),
        tenant: connection.tenant.clone(),
        hub,
        clock,
        asked,
        http,
        connection,
        _db: db,
    }
}

impl Stage {
    /// The administrator goes to the provider and agrees; what they come back with.
    async fn consent(&self) -> (Secret, Secret) {
        let url = self
            .accounts
            .begin(&self.tenant, &self.connection.id, BACK, "admin")
            .await
            .unwrap();
        let request = OutboundRequest {
            operation: "consent",
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let answer = self
            .http
            .send(&self.connection, request, CALL_DEADLINE)
            .await
            .unwrap();
        let back = answer.headers[LOCATION].to_str().unwrap().to_owned();
        let value = |name: &str| {
            let pairs = back.split_once('?').unwrap().1.split('&');
            let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
            Secret::new(pairs.find(|(key, _)| *key == name).unwrap().1)
        };
        (value("state"), value("code"))
    }

    async fn connect(&self) -> Account {
        let (state, code) = self.consent().await;
        self.accounts.complete(&self.tenant, &state, &code).await.unwrap()
    }

    /// Whether the adapter can call with what `ready` gives.
    async fn works(&self, ready: &Connection) -> Result<(), ProviderError> {
        let ctx = CallCtx {
            connection: ready,
            http: &self.http,
            idempotency_key: "k",
            deadline: CALL_DEADLINE,
            traceparent: None,
        };
        let signs = puente_providers::find("docusign").unwrap().signature().unwrap();
        signs.find(ctx, "nothing").await.map(drop)
    }

    async fn state(&self) -> Account {
        self.accounts.list(&self.tenant).await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn an_administrator_connects_an_account_and_calls_are_made_in_its_name() {
    let stage = stage(&[("secret_key", "s")], |account| account).await;
    assert_eq!(stage.state().await.state, "never");
    let error = stage.accounts.ready(&stage.connection).await.unwrap_err();
    assert_eq!(error.code(), "consent_required", "nobody consented yet");
    let (state, code) = stage.consent().await;
    let stranger: TenantId = "intruder".parse().unwrap();
    let theirs = stage.accounts.complete(&stranger, &state, &code).await;
    assert!(
        matches!(theirs, Err(AccessError::Unknown)),
        "another tenant's state"
    );
    let account = stage.other.complete(&stage.tenant, &state, &code).await.unwrap();
    assert_eq!(
        (account.state, account.account_id.as_str()),
        ("active", "account-1")
    );
    assert!(account.expires_at.is_some() && account.problem.is_empty());
    let again = stage.accounts.complete(&stage.tenant, &state, &code).await;
    assert!(matches!(again, Err(AccessError::Unknown)), "a state is good once");
    let ready = stage.accounts.ready(&stage.connection).await.unwrap();
    stage.works(&ready).await.unwrap();
    assert!(!format!("{ready:?}").contains(ready.secrets.get(ACCESS_TOKEN).unwrap().expose()));
    let none = stage
        .accounts
        .begin(&stranger, &stage.connection.id, BACK, "admin")
        .await;
    assert!(matches!(none, Err(AccessError::NoAccount)));
}

#[tokio::test]
async fn what_a_code_brings_is_kept_also_when_nobody_waits_for_it() {
    let stage = stage(&[("secret_key", "s")], |account| account).await;
    let (state, code) = stage.consent().await;
    let completing = stage.accounts.complete(&stage.tenant, &state, &code);
    assert!(completing.now_or_never().is_none(), "the provider is asked first");
    wait_for("the account", Duration::from_secs(30), || async {
        match stage.state().await.state {
            "active" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
}

#[tokio::test]
async fn callers_of_two_replicas_renew_once_before_the_end_and_whose_account_it_is_is_asked_once() {
    let stage = stage(&[("secret_key", "s")], |account| account).await;
    stage.connect().await;
    let before = stage.asked.count("/oauth/token");
    stage.clock.advance(Duration::from_secs(8 * 3600 - 60));
    let callers = (0..24).map(|at| {
        let accounts = if at % 2 == 0 {
            &stage.accounts
        } else {
            &stage.other
        };
        accounts.ready(&stage.connection)
    });
    let mut tokens = std::collections::BTreeSet::new();
    for ready in futures::future::join_all(callers).await {
        tokens.insert(
            ready
                .unwrap()
                .secrets
                .get(ACCESS_TOKEN)
                .unwrap()
                .expose()
                .to_owned(),
        );
    }
    assert_eq!((stage.asked.count("/oauth/token") - before, tokens.len()), (1, 1));
    assert_eq!(stage.asked.count("/oauth/userinfo"), 1);
    // The refresh token was replaced; the next renewal needs the new one.
    stage.clock.advance(Duration::from_secs(8 * 3600));
    let ready = stage.other.ready(&stage.connection).await.unwrap();
    stage.works(&ready).await.unwrap();
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_a_revoked_grant_waits_for_a_person() {
    let stage = stage(&[("secret_key", "s")], |account| account).await;
    stage.connect().await;
    let ready = stage.accounts.ready(&stage.connection).await.unwrap();
    control(&stage, "grants/expire").await;
    assert_eq!(
        *stage.works(&ready).await.unwrap_err().kind(),
        puente_ports::ProviderErrorKind::Auth
    );
    stage.accounts.refused(&ready).await;
    let ready = stage.accounts.ready(&stage.connection).await.unwrap();
    stage.works(&ready).await.unwrap();

    control(&stage, "grants/revoke").await;
    stage.clock.advance(Duration::from_secs(8 * 3600));
    let error = stage.accounts.ready(&stage.connection).await.unwrap_err();
    assert_eq!(error.code(), "consent_required");
    let calls = stage.asked.count("/oauth/token");
    stage.accounts.ready(&stage.connection).await.unwrap_err();
    assert_eq!(
        stage.asked.count("/oauth/token"),
        calls,
        "nobody asks in vain until a person helped"
    );
    let account = stage.state().await;
    assert_eq!(account.state, "needs_consent");
    assert!(account.problem.contains("invalid_grant"), "{}", account.problem);
    assert_eq!(stage.connect().await.state, "active");
    let ready = stage.accounts.ready(&stage.connection).await.unwrap();
    stage.works(&ready).await.unwrap();
}

#[tokio::test]
async fn an_app_with_a_key_of_its_own_needs_a_person_once_and_no_refresh_token() {
    let stage = stage(&[("private_key", KEY)], |account| {
        account.with_setting("consent_required", "true")
    })
    .await;
    let error = stage.accounts.ready(&stage.connection).await.unwrap_err();
    assert_eq!(error.code(), "consent_required");
    assert_eq!(stage.connect().await.state, "active");
    stage.clock.advance(Duration::from_secs(3600));
    let ready = stage.accounts.ready(&stage.connection).await.unwrap();
    stage.works(&ready).await.unwrap();
    assert_eq!(stage.asked.count("/oauth/userinfo"), 1);
}

/// A word to the simulator.
async fn control(stage: &Stage, path: &str) {
    let base = stage.connection.setting("base_url").unwrap();
    let request = OutboundRequest {
        operation: "control",
        method: Method::POST,
        url: format!("{base}/_control/{path}"),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let answer = stage
        .http
        .send(&stage.connection, request, CALL_DEADLINE)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    let _ = &stage.hub;
}
