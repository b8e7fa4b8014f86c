//! Every way in which we prove who we are, one test each: the credential stands where its vendor wants it and nowhere
//! else, and a wrong one is refused as such, with nothing carried out. Grants (OAuth) are in `docusign/grants.rs`.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use puente_http::{Http, HttpConfig};
use puente_ports::{
    CallCtx, Connection, Content, Outbound, OutboundMessage, OutboundRequest, OutboundResponse,
    ProviderError, ProviderErrorKind,
};
use puente_providers::find;
use puente_types::Secret;

use super::ocr::plate;
use super::stage::{Stage, open_stage};
use crate::conformance::task::task;
use crate::support::{DEADLINE, Setup};

/// The fleet's way out, which keeps what went over it.
pub(super) struct Watched {
    http: Http,
    sent: Mutex<Vec<OutboundRequest>>,
}

impl Watched {
    pub(super) fn open() -> Self {
        Self {
            http: Http::new(HttpConfig::local()).unwrap(),
            sent: Mutex::default(),
        }
    }

    pub(super) fn ctx<'a>(&'a self, connection: &'a Connection) -> CallCtx<'a> {
        CallCtx {
            connection,
            http: self,
            idempotency_key: "effect-1",
            deadline: DEADLINE,
            traceparent: None,
        }
    }

    /// Every request since the last look had this header, marked as not to be shown, and none of the secrets stood
    /// anywhere else in it.
    pub(super) fn proved(&self, header: &str, value: &str, secrets: &[&str]) {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        assert!(!sent.is_empty(), "nothing was sent");
        for mut request in sent {
            let found = request.headers.remove(header).expect(header);
            assert_eq!(found, value);
            assert!(found.is_sensitive(), "{header} may be shown");
            let shown = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let mut elsewhere: Vec<String> = request.headers.values().map(shown).collect();
            elsewhere.push(request.url);
            elsewhere.push(String::from_utf8_lossy(&request.body).into_owned());
            for secret in secrets {
                assert!(
                    elsewhere.iter().all(|part| !part.contains(secret)),
                    "a secret stands outside of {header} as well"
                );
            }
        }
    }
}

#[async_trait]
impl Outbound for Watched {
    async fn send(
        &self,
        connection: &Connection,
        request: OutboundRequest,
        deadline: Duration,
    ) -> Result<OutboundResponse, ProviderError> {
        self.sent.lock().unwrap().push(request.clone());
        self.http.send(connection, request, deadline).await
    }
}

/// The connection with this secret instead of its own.
fn with(connection: &Connection, name: &str, value: &str) -> Connection {
    let mut connection = connection.clone();
    let others = connection.secrets.iter().filter(|(other, _)| *other != name);
    let others: Vec<_> = others
        .map(|(other, secret)| (other.to_owned(), secret.clone()))
        .collect();
    connection.secrets = others
        .into_iter()
        .chain([(name.to_owned(), Secret::new(value))])
        .collect();
    connection
}

/// The smallest thing that the provider does for us.
async fn acts(slug: &str, ctx: CallCtx<'_>) -> Result<(), ProviderError> {
    let provider = find(slug).unwrap();
    if let Some(engine) = provider.ocr() {
        return engine.read(ctx, &plate()).await.map(|_| ());
    }
    if let Some(tasks) = provider.task() {
        return tasks.create(ctx, &task()).await.map(|_| ());
    }
    let message = OutboundMessage {
        to: "573001234567".to_owned(),
        content: Content::Text {
            body: "Tu técnico va en camino".to_owned(),
        },
        reference: "order:42".to_owned(),
    };
    provider.message().unwrap().send(ctx, &message).await.map(|_| ())
}

/// `secret` proves who we are by `header`: the right one does something, a wrong one does nothing and is told from other
/// refusals.
async fn holds(stage: &Stage, slug: &str, secret: &str, header: &str, value: &str) {
    stage.hub.put_account(slug, Stage::account(slug));
    stage.hub.teach_default(slug, Vec::new());
    let (connection, way) = (stage.connection(slug), Watched::open());
    acts(slug, way.ctx(&connection)).await.expect(slug);
    let known = Setup::of(slug).secrets;
    let all: Vec<&str> = known.values().map(String::as_str).collect();
    way.proved(header, value, &all);
    assert_eq!(stage.hub.journal(slug).len(), 1, "{slug}: it was carried out");

    stage.hub.reset(slug);
    stage.hub.teach_default(slug, Vec::new());
    let almost = format!("{}x", known.get(secret).unwrap());
    for wrong in ["another one", almost.as_str()] {
        let connection = with(&connection, secret, wrong);
        let error = acts(slug, way.ctx(&connection)).await.expect_err(slug);
        assert_eq!(*error.kind(), ProviderErrorKind::Auth, "{slug}: {error}");
        assert!(!format!("{error:?}").contains(wrong), "{slug}: {error:?}");
        assert!(
            stage.hub.journal(slug).is_empty(),
            "{slug}: nothing was carried out"
        );
    }
}

#[tokio::test]
async fn an_api_key_goes_in_its_vendors_header_and_a_wrong_one_is_refused_without_an_effect() {
    let stage = open_stage!();
    for (slug, secret, header) in [
        ("azure_vision", "key", "ocp-apim-subscription-key"),
        ("google_vision", "api_key", "x-goog-api-key"),
    ] {
        let key = &Setup::of(slug).secrets[secret];
        holds(&stage, slug, secret, header, key).await;
    }
}

#[tokio::test]
async fn a_token_goes_as_bearer_and_a_wrong_one_is_refused_without_an_effect() {
    let stage = open_stage!();
    for slug in ["asana", "whatsapp_cloud"] {
        let token = format!("Bearer {}", Setup::of(slug).secrets["access_token"]);
        holds(&stage, slug, "access_token", "authorization", &token).await;
    }
}

#[tokio::test]
async fn a_name_and_a_password_go_as_basic_and_a_wrong_one_is_refused_without_an_effect() {
    let stage = open_stage!();
    let slug = "jelou";
    let secrets = Setup::of(slug).secrets;
    let pair = STANDARD.encode(format!("{}:{}", secrets["client_id"], secrets["client_secret"]));
    holds(
        &stage,
        slug,
        "client_secret",
        "authorization",
        &format!("Basic {pair}"),
    )
    .await;
}
