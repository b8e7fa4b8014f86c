//! From a webhook to the call of the provider, with nothing else to do: one conversation at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use puente_providers::sim::{self, Account, Hub, Inbound};
use puente_types::Secret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::measure::accept::knows_connection;
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::{Room, Stage, until};
use crate::webhooks::{APP_SECRET, NUMBER, PATH};

/// The services that a journey leads through.
pub(crate) const ALL: [&str; 3] = ["ingress", "orders", "notifications"];

/// The simulated providers, in the directing process.
pub(crate) struct Simulators {
    pub(crate) hub: Hub,
    pub(crate) url: String,
    end: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

impl Simulators {
    pub(crate) async fn start() -> Result<Self> {
        let hub = Hub::new();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/sim/whatsapp_cloud", listener.local_addr()?);
        let end = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the bench has no runtime of a service")]
        let served = tokio::spawn(sim::serve(listener, hub.clone(), end.clone().cancelled_owned()));
        Ok(Self {
            hub,
            url,
            end,
            served,
        })
    }

    /// Opens the account, with webhooks going to `ingress`.
    pub(crate) fn open(&self, ingress: std::net::SocketAddr) {
        let account = Account {
            account: NUMBER.to_owned(),
            tenant: Some("algesta".to_owned()),
            secrets: [("app_secret", APP_SECRET), ("access_token", "bench-token")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .collect(),
            webhook_url: Some(format!("http://{ingress}{PATH}")),
            ..Account::default()
        };
        self.hub.put_account("whatsapp_cloud", account);
    }

    pub(crate) async fn stop(self) {
        self.end.cancel();
        // Whoever keeps a connection open loses it.
        self.served.abort();
        let _ = self.served.await;
    }
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let room = stage.room("journey").await?;
    let simulators = Simulators::start().await?;
    stage.connect(&room, &simulators.url).await?;
    let (fleet, running) = stage.fleet(&stage.order(&room, &ALL)).await?;
    let ingress = running.ingress.context("ingress has no address")?;
    simulators.open(ingress);
    knows_connection(ingress).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (mut whole, mut answers) = (Histogram::<u64>::new(3)?, Histogram::<u64>::new(3)?);
    // The first few fill caches and pools.
    for n in 0..plan.journeys + 5 {
        let (journey, answer) = one(&simulators.hub, &http, &format!("57301{n:07}")).await?;
        if n >= 5 {
            whole.record(journey)?;
            answers.record(answer)?;
        }
    }
    quiet(&room).await?;
    fleet.stop().await?;
    simulators.stop().await;
    room.leave(stage).await?;
    Ok(section(&whole, &answers))
}

/// Sends "Hola" and waits for the bot's answer; milliseconds to the call, and microseconds to the 200.
async fn one(hub: &Hub, http: &reqwest::Client, phone: &str) -> Result<(u64, u64)> {
    let webhook = hub
        .webhook("whatsapp_cloud", &Inbound::text(NUMBER, phone, "Hola"))
        .map_err(|error| anyhow::anyhow!("no webhook: {error}"))?;
    let request = webhook
        .headers
        .iter()
        .fold(http.post(&webhook.url), |request, (name, value)| {
            request.header(name, value)
        })
        .body(webhook.body);
    let (sent, clock) = (hub.now(), std::time::Instant::now());
    let answer = request.send().await?;
    let answered = clock.elapsed();
    anyhow::ensure!(
        answer.status() == 200,
        "the webhook was answered with {}",
        answer.status()
    );
    let before = sent.unix_timestamp_nanos();
    let mut called = 0;
    until("the bot's answer at the simulator", async || {
        // Newest last; the journal holds a few hundred entries.
        let journal = hub.journal("whatsapp_cloud");
        let found = journal
            .iter()
            .rev()
            .find(|entry| entry.recipient.ends_with(phone));
        Ok(found.map(|entry| entry.received_ms).is_some_and(|at| {
            called = at;
            true
        }))
    })
    .await?;
    // The journal counts whole milliseconds: half of one is added for those cut off.
    let nanos = called * 1_000_000 + 500_000 - before;
    let journey = u64::try_from(nanos.max(0) / 1_000_000)?;
    Ok((journey, u64::try_from(answered.as_micros())?))
}

/// Lets receipts and late messages come to their end.
async fn quiet(room: &Room) -> Result<()> {
    let mut last = -1;
    until("the fleet to be quiet", async || {
        let now = room.count("SELECT count(*) FROM notifications.outbox").await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(std::mem::replace(&mut last, now) == now)
    })
    .await
}

fn section(whole: &Histogram<u64>, answers: &Histogram<u64>) -> Section {
    let mut section = Section::new(
        "From the webhook to the provider",
        "The whole fleet in one process, nothing else to do. A person writes “Hola”; the clock runs from the sending of the \
         webhook to the arrival of the bot's answer at the simulated provider: verified, stored, published, queued, worked, \
         published again, decided, journalled as an effect, and called. One conversation at a time, to the millisecond.",
        &[
            "journeys",
            "p50 ms",
            "p99 ms",
            "longest ms",
            "p50 of the webhook's own answer, ms",
        ],
    );
    section.row([
        whole.len().to_string(),
        whole.value_at_quantile(0.5).to_string(),
        whole.value_at_quantile(0.99).to_string(),
        whole.max().to_string(),
        format!("{:.2}", answers.value_at_quantile(0.5) as f64 / 1000.0),
    ]);
    let middle = whole.value_at_quantile(0.5) as f64;
    section.verdict(Verdict::at_most(
        "webhook → provider call, idle, p50",
        middle,
        25.0,
        "ms",
        true,
    ));
    section
}
