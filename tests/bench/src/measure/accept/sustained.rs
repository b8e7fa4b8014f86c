//! A long run without a pause: whether the relay keeps up, and that everything answered is stored and published.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Front, Running, millis};
use crate::child::Child;
use crate::child::load::Outcome;
use crate::machine;
use crate::measure::{Counter, Target, load, median};
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::{Room, Stage, until};

/// What came of it.
pub(super) struct Sustained {
    outcome: Outcome,
    bare: f64,
    beside: Duration,
    waiting: i64,
    drained: Duration,
    stored: i64,
    published: u64,
    outbox: i64,
    cpu: [(&'static str, f64); 4],
    /// Bytes of the write-ahead log for one webhook.
    wal: f64,
}

pub(super) async fn run(
    stage: &Stage,
    room: &Room,
    fronts: &[Running],
    generator: &mut Child,
    counter: &mut Counter,
    plan: &Plan,
) -> Result<Sustained> {
    let of = |front| {
        fronts
            .iter()
            .find(|running| running.front == front)
            .context("all run")
    };
    let (ours, bare) = (of(Front::Ours)?, of(Front::Bare)?);
    let target = |running: &Running, duration, at_most| Target {
        address: running.address,
        connections: 256,
        duration,
        at_most,
        again: running.front == Front::Bare,
    };
    let before = load(generator, counter, plan, target(bare, plan.beside, 1_000)).await?;
    let deliveries = "SELECT count(*) FROM ingress.deliveries";
    let stored = room.count(deliveries).await?;
    let cpu = || {
        [
            ("ingress", machine::cpu_seconds(ours.child.pid)),
            ("PostgreSQL", machine::cpu_seconds_of_tree(stage.postgres_pid())),
            ("nats-server", machine::cpu_seconds(room.nats.pid())),
        ]
    };
    let used = cpu();
    let position = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
    let wal = room.count(position).await?;
    let outcome = load(generator, counter, plan, target(ours, plan.sustained, 25_000)).await?;
    let ended = Instant::now();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let waiting = async || {
        let health = http.get(format!("http://{}/health", ours.address)).send().await?;
        let health: serde_json::Value = health.json().await?;
        health
            .get("events_waiting")
            .and_then(serde_json::Value::as_i64)
            .context("no figure of events that wait")
    };
    let at_the_end = waiting().await?;
    until(
        "the relay to publish the rest",
        async || Ok(waiting().await? == 0),
    )
    .await?;
    let drained = ended.elapsed();
    let cpu = cpu();
    let wal = (room.count(position).await? - wal) as f64 / outcome.accepted as f64;
    let after = load(generator, counter, plan, target(bare, plan.beside, 1_000)).await?;
    let mut shares = [("load generator", outcome.cpu), ("", 0.0), ("", 0.0), ("", 0.0)];
    for (share, (now, then)) in shares.iter_mut().skip(1).zip(cpu.into_iter().zip(used)) {
        *share = (now.0, now.1 - then.1);
    }
    let js = async_nats::jetstream::new(async_nats::connect(room.nats.url()).await?);
    let outbox = room.count("SELECT count(*) FROM ingress.outbox").await?;
    let mut published = 0;
    until("every event to be in the stream", async || {
        let mut stream = js.get_stream(puente_bus::topology::EVENTS).await?;
        published = stream.info().await?.state.messages;
        Ok(published >= u64::try_from(outbox)?)
    })
    .await?;
    Ok(Sustained {
        bare: median([before.per_second, after.per_second]),
        beside: plan.beside,
        stored: room.count(deliveries).await? - stored,
        outcome,
        waiting: at_the_end,
        drained,
        published,
        outbox,
        cpu: shares,
        wal,
    })
}

impl Sustained {
    /// Its lines in the report.
    pub(super) fn tell(&self, section: &mut Section) {
        let outcome = &self.outcome;
        section.note(format!(
            "**{:.0} s at 256 connections without a pause: {:.0} accepted per second**, p50 {} ms, p99 {} ms, p99.9 {} ms; \
             {:.2} of the bare handler, which had {:.0} s right before and {:.0} s right after. {} answers were not 200.",
            outcome.seconds,
            outcome.per_second,
            millis(outcome.p50 as f64),
            millis(outcome.p99 as f64),
            millis(outcome.p999 as f64),
            outcome.per_second / self.bare,
            self.beside.as_secs_f64(),
            self.beside.as_secs_f64(),
            outcome.refused.values().sum::<u64>(),
        ));
        section.note(format!(
            "Right after the last answer {} events had still to be handed to the broker; {} ms later none. Of the long run \
             {} were answered with 200 and {} deliveries are stored; the outbox of the whole part holds {} events, the stream {}.",
            self.waiting,
            self.drained.as_millis(),
            outcome.accepted,
            self.stored,
            self.outbox,
            self.published,
        ));
        let shares: Vec<String> = self
            .cpu
            .iter()
            .map(|(who, cpu)| format!("{who} {cpu:.1} s"))
            .collect();
        let micros = self.cpu.iter().map(|(_, cpu)| cpu).sum::<f64>() * 1e6 / outcome.accepted as f64;
        section.note(format!(
            "Processor time of the long run, warm-up included: {}; {micros:.0} µs for each webhook. It wrote {:.0} bytes of \
             write-ahead log for each.",
            shares.join(", "),
            self.wal,
        ));
        section.verdict(Verdict::at_least(
            "accepted/s at 256 connections, sustained",
            outcome.per_second,
            12_000.0,
            "/s",
            true,
        ));
        section.verdict(Verdict::at_most(
            "p99 of the sustained run",
            outcome.p99 as f64 / 1000.0,
            150.0,
            "ms",
            true,
        ));
        section.verdict(Verdict::at_least(
            "÷ bare handler, sustained run",
            outcome.per_second / self.bare,
            0.2,
            "",
            false,
        ));
        section.verdict(Verdict::at_most(
            "the relay keeps up: what waits after the sustained run, in seconds of its rate",
            self.waiting as f64 / outcome.per_second,
            1.0,
            "s",
            false,
        ));
    }
}
