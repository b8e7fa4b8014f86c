//! A gateway on a database of its own, with services behind it that are away or are told what to answer.

use std::time::Duration;

use puente_gateway::accounts::{self, Account, NewAccount};
use puente_gateway::domain::Role;
use puente_gateway::keys::{self, NewKey};
use puente_gateway::{Config, Gateway, MIGRATIONS};
use puente_service::config::load;
use puente_service::{Overrides, Runtime, Service};
use puente_testkit::{Schema, TestDb, patient_sources};
use puente_types::{ManualClock, Secret};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sqlx::PgPool;
use std::sync::Arc;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::office::Office;

pub(crate) const PASSWORD: &str = "correcto caballo pila";
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
/// 32 bytes.
pub(crate) const RPC_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// 32 bytes.
const LINK_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
/// Nothing listens here.
const AWAY: &str = "http://127.0.0.1:1";

pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) http: Client,
    pub(crate) pool: PgPool,
    pub(crate) clock: ManualClock,
    pub(crate) db: TestDb,
    /// Where documents are kept.
    pub(crate) files: tempfile::TempDir,
    rt: Runtime,
}

impl Stage {
    /// With services that are away.
    pub(crate) async fn set() -> Self {
        Self::with(|usual| usual).await
    }

    pub(crate) async fn with(change: impl FnOnce(Overrides) -> Overrides) -> Self {
        Self::at(ManualClock::at(NOW), change).await
    }

    /// With orders, signature, ocr and sync that are told what to answer.
    pub(crate) async fn with_office() -> (Self, Office) {
        Self::with_office_and(|usual| usual).await
    }

    /// The same, with other settings.
    pub(crate) async fn with_office_and(change: impl FnOnce(Overrides) -> Overrides) -> (Self, Office) {
        let clock = ManualClock::at(NOW);
        let office = Office::open(&clock).await;
        Self::before(clock, office, change).await
    }

    /// The same, with notifications as well.
    pub(crate) async fn with_messages() -> (Self, Office) {
        let clock = ManualClock::at(NOW);
        let office = Office::open(&clock).await;
        let url = office.messages_url.clone();
        Self::before(clock, office, |usual| {
            usual.set("notifications_url", url.as_str())
        })
        .await
    }

    /// The same, with ingress.
    pub(crate) async fn with_traffic() -> (Self, Office) {
        let clock = ManualClock::at(NOW);
        let office = Office::open(&clock).await;
        let url = office.ingress_url.clone();
        Self::before(clock, office, |usual| usual.set("ingress_url", url.as_str())).await
    }

    async fn before(
        clock: ManualClock,
        office: Office,
        change: impl FnOnce(Overrides) -> Overrides,
    ) -> (Self, Office) {
        let urls = [
            ("orders_url", &office.orders_url),
            ("signature_url", &office.signature_url),
            ("ocr_url", &office.ocr_url),
            ("sync_url", &office.sync_url),
        ];
        let stage = Self::at(clock, |usual| {
            let named = urls
                .into_iter()
                .fold(usual, |usual, (key, url)| usual.set(key, url.as_str()));
            change(named)
        });
        (stage.await, office)
    }

    async fn at(clock: ManualClock, change: impl FnOnce(Overrides) -> Overrides) -> Self {
        puente_service::start_crypto();
        let schema = Schema {
            service: "gateway",
            common: &puente_outbox::MIGRATIONS,
            own: &MIGRATIONS,
        };
        let db = TestDb::new(&[schema]).await;
        let files = tempfile::tempdir().unwrap();
        let rt = Runtime::with_clock("gateway", Arc::new(clock.clone()));
        let usual = Overrides::default()
            .set("database.url", db.url())
            .set("listen", "127.0.0.1:0")
            .set("rpc_key", RPC_KEY)
            .set("ingress_url", AWAY)
            .set("orders_url", AWAY)
            .set("notifications_url", AWAY)
            .set("signature_url", AWAY)
            .set("ocr_url", AWAY)
            .set("sync_url", AWAY)
            .set("storage.folder", files.path().display().to_string())
            .set("storage.link_key", LINK_KEY)
            .set("strangers_per_minute", 10_000);
        let sources = patient_sources().with_overrides(change(usual));
        let config = load::<Config>(Gateway::NAME, Gateway::DEFAULTS, &sources)
            .unwrap()
            .service;
        let gateway = Gateway::build(config, rt.clone()).await.unwrap();
        let url = format!("http://127.0.0.1:{}", gateway.address().unwrap().port());
        rt.spawn("service", gateway.run());
        Self {
            url,
            http: Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            pool: db.pool("gateway"),
            clock,
            db,
            files,
            rt,
        }
    }

    /// A key of a tenant, or of the installation.
    pub(crate) async fn key(&self, tenant: Option<&str>, role: Role) -> String {
        self.key_with(tenant, role, 60_000, None).await
    }

    pub(crate) async fn key_with(
        &self,
        tenant: Option<&str>,
        role: Role,
        per_minute: u32,
        expires_at: Option<OffsetDateTime>,
    ) -> String {
        let new = NewKey {
            tenant: tenant.map(|tenant| tenant.parse().unwrap()),
            name: format!("{role} of {tenant:?}"),
            role,
            per_minute,
            expires_at,
            created_by: "test".to_owned(),
        };
        let made = keys::create(&self.pool, &new, NOW).await.unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) async fn person(&self, tenant: Option<&str>, role: Role, email: &str) -> Account {
        let new = NewAccount {
            tenant: tenant.map(|tenant| tenant.parse().unwrap()),
            email: email.to_owned(),
            name: "Ana".to_owned(),
            role,
            language: "es".to_owned(),
        };
        accounts::create(&self.pool, &new, &Secret::new(PASSWORD), NOW)
            .await
            .unwrap()
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Response {
        self.ask(Method::GET, path).bearer_auth(key).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Response {
        let request = self.ask(Method::POST, path).bearer_auth(key);
        let request = request.header("idempotency-key", Uuid::now_v7().to_string());
        request.json(body).send().await.unwrap()
    }

    /// Sends a form with a file; `key` is an API key.
    pub(crate) async fn upload(
        &self,
        path: &str,
        key: &str,
        once: &str,
        texts: &[(&str, &str)],
        file: &[u8],
    ) -> Response {
        let (kind, body) = form(texts, file);
        let request = self.ask(Method::POST, path).bearer_auth(key);
        let request = request
            .header("idempotency-key", once)
            .header("content-type", kind);
        request.body(body).send().await.unwrap()
    }

    /// Rows of the audit trail, oldest first: action, subject, object, what was asked for. Without those about log-ins.
    pub(crate) async fn trail(&self) -> Vec<(String, String, String, Option<Value>)> {
        let all =
            "SELECT action, subject, object, after FROM audit WHERE action NOT LIKE 'session.%' ORDER BY id";
        sqlx::query_as(all).fetch_all(&self.pool).await.unwrap()
    }

    /// Tries to log in by the REST interface.
    pub(crate) async fn try_in(&self, email: &str, password: &str) -> Response {
        let body = serde_json::json!({ "email": email, "password": password });
        let request = self.ask(Method::POST, "/api/session").json(&body);
        request.send().await.unwrap()
    }

    /// Logs in by the REST interface; the cookie and the CSRF token.
    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Result<(String, String), StatusCode> {
        let answer = self.try_in(email, password).await;
        if answer.status() != StatusCode::OK {
            return Err(answer.status());
        }
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let me: Value = answer.json().await.unwrap();
        Ok((cookie, me["csrf"].as_str().unwrap().to_owned()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.rt.shutdown.cancel();
    }
}

/// A form with a file, as browsers send it; each time with another boundary.
pub(crate) fn form(texts: &[(&str, &str)], file: &[u8]) -> (String, Vec<u8>) {
    form_with("file", texts, file)
}

/// The same, with another name for the field of the file.
pub(crate) fn form_with(field: &str, texts: &[(&str, &str)], file: &[u8]) -> (String, Vec<u8>) {
    form_named((field, "informe de Ana.pdf"), texts, file)
}

/// The same, with another name for the file as well.
pub(crate) fn form_named(
    (field, name): (&str, &str),
    texts: &[(&str, &str)],
    file: &[u8],
) -> (String, Vec<u8>) {
    let boundary = Uuid::now_v7().simple().to_string();
    let mut body = Vec::new();
    for (text, value) in texts {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{text}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend(head.as_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
