//! Reports on sent messages, posted to the accounts' webhook URLs as the vendor would: in order unless told otherwise,
//! and repeated as often as the vendor repeats.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use axum::http::HeaderMap;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::sim::hub::{Inner, Jobs};
use crate::sim::{Account, Entry, SimError, Webhook, find};

/// Messages whose reports may wait.
const QUEUE: usize = 10_000;
/// Messages that are reported on at the same time.
const PARALLEL: usize = 256;
/// How long a webhook may take: the shortest patience of a vendor.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The wait before the second attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait before a report.
const MAX_DELAY: Duration = Duration::from_secs(600);

/// How callbacks fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Answered with 2xx.
    pub delivered: u64,
    /// Given up after the vendor's number of attempts.
    pub given_up: u64,
    /// Messages on whose reports work goes on.
    pub pending: u64,
}

/// One message to report on.
pub(super) struct Job {
    pub(super) slug: &'static str,
    pub(super) account: Arc<Account>,
    pub(super) sent: Entry,
}

/// The sender of callbacks.
#[derive(Default)]
pub(super) struct Poster {
    jobs: OnceLock<Jobs>,
    client: OnceLock<Option<reqwest::Client>>,
    counts: Mutex<BTreeMap<String, Counts>>,
}

impl Poster {
    pub(super) fn counts(&self, slug: &str) -> Counts {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(slug)
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn reset(&self, slug: &str) {
        self.count(slug, |counts| {
            *counts = Counts {
                pending: counts.pending,
                ..Counts::default()
            }
        });
    }

    fn count(&self, slug: &str, change: impl FnOnce(&mut Counts)) {
        change(
            self.counts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(slug.to_owned())
                .or_default(),
        );
    }

    /// Starts the sender; it ends when the hub is gone.
    #[expect(
        clippy::disallowed_methods,
        reason = "a simulator is no service: it has no Runtime, and ends with its hub"
    )]
    pub(super) fn start(&self, hub: Weak<Inner>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        if self.jobs.set(jobs).is_ok() {
            tokio::spawn(run(queue, hub));
        }
    }

    /// Counts a callback as pending until `work` says whether it was delivered.
    #[expect(
        clippy::disallowed_methods,
        reason = "a simulator is no service: it has no Runtime, and ends with the process"
    )]
    pub(super) fn spawn(
        inner: Arc<Inner>,
        slug: &'static str,
        work: impl Future<Output = bool> + Send + 'static,
    ) {
        inner.poster.count(slug, |counts| counts.pending += 1);
        tokio::spawn(async move {
            let delivered = work.await;
            inner.poster.count(slug, |counts| {
                counts.pending -= 1;
                if delivered {
                    counts.delivered += 1;
                } else {
                    counts.given_up += 1;
                }
            });
        });
    }

    pub(super) async fn queue(&self, job: Job) {
        if let Some(jobs) = self.jobs.get() {
            let slug = job.slug;
            self.count(slug, |counts| counts.pending += 1);
            if jobs.send(job).await.is_err() {
                self.count(slug, |counts| counts.pending -= 1);
            }
        }
    }

    /// Posts a webhook once, and returns the HTTP status.
    pub(super) async fn post(&self, webhook: &Webhook) -> Result<u16, SimError> {
        self.ask(webhook).await.map(|(status, _)| status)
    }

    /// Posts a webhook once, and returns status and headers of the answer.
    pub(super) async fn ask(&self, webhook: &Webhook) -> Result<(u16, HeaderMap), SimError> {
        let client = self
            .client
            .get_or_init(client)
            .as_ref()
            .ok_or(SimError::Unreachable)?;
        let mut request = client.post(&webhook.url).body(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        request
            .send()
            .await
            .map(|answer| (answer.status().as_u16(), answer.headers().clone()))
            .map_err(|_| SimError::Unreachable)
    }

    /// Posts a webhook as often as the vendor would.
    async fn deliver(&self, slug: &str, webhook: &Webhook, attempts: u32) {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=attempts {
            if self
                .post(webhook)
                .await
                .is_ok_and(|status| (200..300).contains(&status))
            {
                return self.count(slug, |counts| counts.delivered += 1);
            }
            if attempt < attempts {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
        }
        self.count(slug, |counts| counts.given_up += 1);
    }
}

fn client() -> Option<reqwest::Client> {
    let builder = || reqwest::Client::builder().timeout(TIMEOUT).no_proxy();
    // Another part of the process may have chosen a provider already; any choice serves a simulator.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    builder().build().ok().or_else(|| {
        // A machine without CA certificates still reaches webhooks over plain HTTP.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder().tls_backend_preconfigured(tls).build().ok()
    })
}

async fn run(mut queue: mpsc::Receiver<Job>, hub: Weak<Inner>) {
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let mut tasks = JoinSet::new();
    while let Some(job) = queue.recv().await {
        while tasks.try_join_next().is_some() {}
        let (Ok(slot), Some(inner)) = (Arc::clone(&slots).acquire_owned().await, hub.upgrade()) else {
            return;
        };
        tasks.spawn(async move {
            report(&inner, &job).await;
            inner.poster.count(job.slug, |counts| counts.pending -= 1);
            drop(slot);
        });
    }
}

/// All reports on one message, one after the other.
async fn report(inner: &Arc<Inner>, job: &Job) {
    let Some(simulator) = find(job.slug) else { return };
    let plan = &job.account.callbacks;
    let failing = job.account.failing.contains_key(&job.sent.recipient);
    let mut states: Vec<&str> = if failing {
        vec!["failed"]
    } else {
        plan.states.iter().map(String::as_str).collect()
    };
    states.retain(|state| !plan.drop.iter().any(|dropped| dropped == state));
    if plan.out_of_order {
        states.reverse();
    }
    let hub = Arc::clone(inner).hub();
    for state in states {
        if plan.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(plan.delay_ms).min(MAX_DELAY)).await;
        }
        // A repeated report is the same report: its bytes and its time do not change.
        let Ok(webhook) = simulator.receipt(&hub, &job.account, &job.sent, state) else {
            return;
        };
        for _ in 0..=plan.duplicate {
            inner
                .poster
                .deliver(job.slug, &webhook, simulator.attempts())
                .await;
        }
    }
}
