//! Webhooks over real HTTP, as a provider sends them, and what ingress answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use puente_providers::sim::Webhook;
use serde::Deserialize;

/// Longer than ingress lets any request wait.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends webhooks and counts the answers. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    client: reqwest::Client,
    tally: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// What ingress answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `accepted`, `duplicate` …, or the reason of a refusal.
    pub(crate) word: String,
    /// The refusal in a sentence.
    pub(crate) message: String,
    /// How long it took.
    pub(crate) took: Duration,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    message: String,
}

impl Post {
    /// A sender that waits for no longer than a provider.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("no HTTP client can be made")?;
        Ok(Self {
            client,
            tally: Arc::default(),
        })
    }

    /// Sends a webhook once.
    pub(crate) async fn send(&self, webhook: &Webhook) -> anyhow::Result<Answer> {
        let begin = Instant::now();
        let mut request = self.client.post(&webhook.url).body(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.context("ingress does not answer")?;
        let took = begin.elapsed();
        let status = response.status().as_u16();
        let outcome = response
            .headers()
            .get("puente-outcome")
            .and_then(|value| value.to_str().ok());
        let outcome = outcome.map(str::to_owned);
        let refusal: Refusal = match outcome {
            Some(_) => Refusal::default(),
            None => response.json().await.unwrap_or_default(),
        };
        let word = outcome.unwrap_or(refusal.error);
        *self
            .tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(word.clone())
            .or_default() += 1;
        Ok(Answer {
            status,
            word,
            message: refusal.message,
            took,
        })
    }

    /// A subscription handshake.
    pub(crate) async fn get(&self, url: &str) -> anyhow::Result<(u16, String)> {
        let response = self
            .client
            .get(url)
            .send()
            .await
            .context("ingress does not answer")?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.context("ingress does not answer")?))
    }

    /// Posts JSON to somebody who is no part of the fleet.
    pub(crate) async fn json(&self, url: &str, body: &serde_json::Value) -> anyhow::Result<(u16, String)> {
        let response = self
            .client
            .post(url)
            .json(body)
            .send()
            .await
            .context("nobody answers")?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.context("the answer is cut off")?))
    }

    /// How often ingress answered with this word.
    pub(crate) fn count(&self, word: &str) -> u64 {
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(word)
            .copied()
            .unwrap_or(0)
    }
}
