//! Reading fixtures, and the scripted way out.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use puente_ports::{
    CallCtx, Connection, Outbound, OutboundMessage, OutboundRequest, OutboundResponse, Provider,
    ProviderError, ProviderErrorKind,
};
use puente_types::{Secret, Secrets};
use puente_webhook_auth::{RawRequest, SignedPart, TokenSource, WebhookAuth, sign};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// `fixtures/connection.toml` of a provider.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// The clock of the fixtures, in Unix seconds.
    pub(crate) now: i64,
    pub(crate) account: String,
    #[serde(default)]
    pub(crate) settings: serde_json::Map<String, Value>,
    pub(crate) secrets: std::collections::BTreeMap<String, String>,
}

impl Setup {
    pub(crate) fn of(slug: &str) -> Self {
        read_toml(&folder(slug).join("connection.toml"))
    }

    pub(crate) fn connection(&self, slug: &str) -> Connection {
        Connection {
            id: format!("acme-{}", slug.replace('_', "-")).parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            provider: slug.to_owned(),
            account: Some(self.account.clone()),
            settings: self.settings.clone(),
            secrets: self
                .secrets
                .iter()
                .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
                .collect(),
        }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.now).unwrap()
    }
}

/// The fixtures of a provider.
pub(crate) fn folder(slug: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(slug)
        .join("fixtures")
}

/// The files of a folder with an extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no .{extension} in {}", folder.display());
    paths
}

pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A `.request` file:
/// `#` lines (a comment, or `#! secret name = value`, `#! setting name = value`, `#! now = seconds` for this case),
/// `METHOD /path?query`, header lines, an empty line, and the body to the byte; one final newline is not part of it.
/// A header value `{{proof}}` is computed as the adapter's scheme for that header wants it.
pub(crate) struct RequestCase {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) request: RawRequest,
}

impl RequestCase {
    pub(crate) fn read(provider: &dyn Provider, path: &Path) -> Self {
        let slug = provider.manifest().slug.as_str();
        let name = format!("{slug}/{}", path.file_stem().unwrap().to_string_lossy());
        let mut setup = Setup::of(slug);
        let bytes = std::fs::read(path).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let body = Bytes::copy_from_slice(body.strip_suffix('\n').unwrap_or(body).as_bytes());
        let (mut method, mut target, mut headers) = (None, String::new(), Vec::new());
        for line in head.lines() {
            if let Some(directive) = line.strip_prefix("#!") {
                let (what, value) = directive
                    .trim()
                    .split_once(" = ")
                    .unwrap_or_else(|| panic!("{name}: {line}"));
                match what.split_once(' ').unwrap_or((what, "")) {
                    ("secret", secret) => drop(setup.secrets.insert(secret.into(), value.into())),
                    ("setting", setting) => drop(setup.settings.insert(setting.into(), value.into())),
                    ("now", "") => setup.now = value.parse().unwrap(),
                    _ => panic!("{name}: {line}"),
                }
            } else if line.starts_with('#') {
            } else if method.is_none() {
                let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{name}: {line}"));
                method = Some(word.parse::<Method>().unwrap());
                target = rest.to_owned();
            } else {
                let (header, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: {line}"));
                headers.push((header.to_owned(), value.to_owned()));
            }
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = RawRequest {
            method: method.unwrap_or_else(|| panic!("{name}: no request line")),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body,
        };
        let connection = setup.connection(slug);
        let auth = provider.webhook().map(|webhook| webhook.auth(&connection));
        for (header, value) in &headers {
            let value = if value == "{{proof}}" {
                let auth = auth.as_ref().unwrap_or_else(|| panic!("{name}: no webhook"));
                prove(auth, header, &headers, &request.body, &connection.secrets)
                    .unwrap_or_else(|| panic!("{name}: no scheme uses the header {header}"))
            } else {
                value.clone()
            };
            request.headers.append(
                header.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(&value).unwrap(),
            );
        }
        Self { name, setup, request }
    }

    pub(crate) fn connection(&self, provider: &dyn Provider) -> Connection {
        self.setup.connection(&provider.manifest().slug)
    }
}

/// The value that makes a header prove the request, by the scheme that reads it.
fn prove(
    auth: &WebhookAuth,
    header: &str,
    headers: &[(String, String)],
    body: &[u8],
    secrets: &Secrets,
) -> Option<String> {
    match auth {
        WebhookAuth::Hmac(scheme) if scheme.header.eq_ignore_ascii_case(header) => {
            let key = secrets.get(&scheme.secret)?;
            Some(match &scheme.signed {
                SignedPart::Body => sign(key, &scheme.prefix, scheme.encoding, &[body]),
                SignedPart::TimestampDotBody(rule) => {
                    let (_, at) = headers
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(&rule.header))?;
                    sign(key, &scheme.prefix, scheme.encoding, &[at.as_bytes(), b".", body])
                }
            })
        }
        WebhookAuth::NumberedHmac(scheme)
            if header
                .to_ascii_lowercase()
                .starts_with(&scheme.header.to_ascii_lowercase()) =>
        {
            let key = secrets.get(&scheme.secret)?;
            Some(sign(key, "", scheme.encoding, &[body]))
        }
        WebhookAuth::SharedToken(scheme) => match &scheme.source {
            TokenSource::Header(name) if name.eq_ignore_ascii_case(header) => Some(format!(
                "{}{}",
                scheme.prefix,
                secrets.get(&scheme.secret)?.expose()
            )),
            _ => None,
        },
        WebhookAuth::AnyOf(all) | WebhookAuth::AllOf(all) => all
            .iter()
            .find_map(|one| prove(one, header, headers, body, secrets)),
        _ => None,
    }
}

/// A case of `fixtures/outbound`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundCase {
    pub(crate) about: String,
    /// `send` or `templates`.
    pub(crate) operation: String,
    #[serde(default)]
    pub(crate) traceparent: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<OutboundMessage>,
    /// What is asked and answered, in order; empty when nothing may be sent.
    #[serde(default)]
    pub(crate) exchange: Vec<Exchange>,
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) reply_headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) reply: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Expect {
    Sent(puente_ports::Sent),
    Templates(Vec<puente_ports::TemplateInfo>),
    Error(ExpectedError),
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    pub(crate) kind: String,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) retry_after_s: Option<u64>,
}

impl From<&ProviderError> for ExpectedError {
    fn from(error: &ProviderError) -> Self {
        let (kind, wait) = match error.kind() {
            ProviderErrorKind::Rejected => ("rejected", None),
            ProviderErrorKind::Malformed => ("malformed", None),
            ProviderErrorKind::Auth => ("auth", None),
            ProviderErrorKind::Configuration => ("configuration", None),
            ProviderErrorKind::RateLimited { retry_after } => ("rate_limited", *retry_after),
            ProviderErrorKind::Unavailable { retry_after } => ("unavailable", *retry_after),
            ProviderErrorKind::OutcomeUnknown => ("outcome_unknown", None),
        };
        Self {
            kind: kind.to_owned(),
            code: error.code().to_owned(),
            retry_after_s: wait.map(|wait| wait.as_secs()),
        }
    }
}

/// A way out that gives prepared answers and keeps what was sent.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) answers: Mutex<std::collections::VecDeque<Result<OutboundResponse, ProviderError>>>,
    pub(crate) sent: Mutex<Vec<OutboundRequest>>,
}

impl Script {
    pub(crate) fn answering(
        answers: impl IntoIterator<Item = Result<OutboundResponse, ProviderError>>,
    ) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
        }
    }
}

#[async_trait]
impl Outbound for Script {
    async fn send(
        &self,
        _connection: &Connection,
        request: OutboundRequest,
        deadline: Duration,
    ) -> Result<OutboundResponse, ProviderError> {
        assert!(deadline <= DEADLINE, "an adapter must not stretch the deadline");
        self.sent.lock().unwrap().push(request);
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("more requests than prepared answers")
    }
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> OutboundResponse {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
    OutboundResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// The answer of a fixture.
pub(crate) fn prepared(exchange: &Exchange) -> OutboundResponse {
    let headers = exchange.reply_headers.iter();
    let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
    answer(exchange.status, &headers, &exchange.reply)
}

/// What was sent is what the fixture says, bodies of JSON by their meaning.
pub(crate) fn sent_as_expected(name: &str, script: &Script, exchanges: &[Exchange]) {
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent.len(), exchanges.len(), "{name}: number of requests");
    for (request, exchange) in sent.iter().zip(exchanges) {
        let found = (request.method.as_str(), &request.url);
        assert_eq!(found, (exchange.method.as_str(), &exchange.url), "{name}");
        for (header, value) in &exchange.headers {
            let found = request.headers.get(header).and_then(|found| found.to_str().ok());
            assert_eq!(found, Some(value.as_str()), "{name}: {header}");
        }
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let expected = exchange.body.clone().unwrap_or_default();
        let json = |text: &str| serde_json::from_str::<Value>(text);
        match (json(&body), json(&expected)) {
            (Ok(body), Ok(expected)) => assert_eq!(body, expected, "{name}"),
            _ => assert_eq!(body, expected, "{name}"),
        }
    }
}

pub(crate) fn ctx<'a>(
    connection: &'a Connection,
    http: &'a dyn Outbound,
    traceparent: Option<&'a str>,
) -> CallCtx<'a> {
    CallCtx {
        connection,
        http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent,
    }
}
