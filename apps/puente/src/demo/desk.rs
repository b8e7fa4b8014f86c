//! The agent's desk: what a person of the tenant does by the REST interface of the gateway, with a key of their own.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use puente_types::Secret;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

/// Longer than the gateway waits for any service.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest document that is fetched.
const MAX_DOCUMENT: usize = 25 * 1024 * 1024;

/// A client of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    client: reqwest::Client,
    gateway: String,
    key: Secret,
}

impl Desk {
    /// A desk before the gateway at this address.
    pub(crate) fn new(gateway: &str, key: Secret) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("no HTTP client can be made")?;
        Ok(Self {
            client,
            gateway: gateway.to_owned(),
            key,
        })
    }

    /// Asks.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for a change; done once.
    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Puts something in its place.
    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.send(Method::PUT, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let request = self
            .client
            .request(method.clone(), format!("{}{path}", self.gateway))
            .bearer_auth(self.key.expose())
            .header("idempotency-key", Uuid::now_v7().to_string());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.context("the gateway does not answer")?;
        let status = answer.status();
        let text = answer.text().await.context("the gateway does not answer")?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let why = value.get("detail").or_else(|| value.get("title"));
        bail!(
            "{method} {path} was answered with {status}: {}",
            why.and_then(Value::as_str).unwrap_or("no reason was given")
        )
    }

    /// Fetches what a link leads to, as a browser would: without the key.
    pub(crate) async fn follow(&self, link: &str) -> anyhow::Result<Vec<u8>> {
        let url = if link.starts_with('/') {
            format!("{}{link}", self.gateway)
        } else {
            link.to_owned()
        };
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .context("the link does not answer")?;
        ensure!(
            answer.status() == StatusCode::OK,
            "the link was answered with {}",
            answer.status()
        );
        let bytes = answer.bytes().await.context("the document is cut off")?;
        ensure!(bytes.len() <= MAX_DOCUMENT, "the document is too large");
        Ok(bytes.to_vec())
    }
}
