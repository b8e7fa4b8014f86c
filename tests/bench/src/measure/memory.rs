//! What the whole fleet takes in one process, idle and under load, beside the servers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::machine;
use crate::measure::accept::knows_connection;
use crate::measure::journey::{ALL, Simulators};
use crate::measure::{Counter, Target, load};
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::Stage;

/// How long a fresh fleet is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
/// How often memory is looked at under load.
const LOOK: Duration = Duration::from_millis(200);

/// Memory in MiB.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    fleet: f64,
    postgres: f64,
    nats: f64,
}

impl Taken {
    fn or_more(self, other: Self) -> Self {
        Self {
            fleet: self.fleet.max(other.fleet),
            postgres: self.postgres.max(other.postgres),
            nats: self.nats.max(other.nats),
        }
    }
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let room = stage.room("memory").await?;
    let simulators = Simulators::start().await?;
    stage.connect(&room, &simulators.url).await?;
    let (fleet, running) = stage.fleet(&stage.order(&room, &ALL)).await?;
    let ingress = running.ingress.context("ingress has no address")?;
    simulators.open(ingress);
    knows_connection(ingress).await?;
    tokio::time::sleep(SETTLE).await;
    let look = || Taken {
        fleet: machine::resident_mib(fleet.pid),
        postgres: machine::proportional_mib_of_tree(stage.postgres_pid()),
        nats: machine::resident_mib(room.nats.pid()),
    };
    let idle = look();
    let mut generator = stage.child("load")?;
    let mut counter = Counter::new();
    let target = Target {
        address: ingress,
        connections: 32,
        duration: plan.loaded,
        at_most: 20_000,
        again: false,
    };
    let mut most = idle;
    let begin = Instant::now();
    let watch = async {
        loop {
            tokio::time::sleep(LOOK).await;
            most = most.or_more(look());
        }
    };
    let outcome = tokio::select! {
        outcome = load(&mut generator, &mut counter, plan, target) => outcome?,
        never = watch => never,
    };
    let seconds = begin.elapsed().as_secs_f64();
    let worked = room
        .count("SELECT count(*) FROM orders.conversation_messages WHERE worked_at IS NOT NULL")
        .await?;
    let sent = simulators.hub.journal("whatsapp_cloud").len();
    generator.stop().await?;
    // It has far more waiting than a stop waits for; everything that was taken is on disk.
    drop(fleet);
    simulators.stop().await;
    room.leave(stage).await?;

    let mut section = Section::new(
        "Memory",
        "All services in one process: resident memory after the start, and the most seen while webhooks of 10,000 \
         conversations come over 32 connections as fast as they are taken. Beside it PostgreSQL with all its processes \
         (what they share counted once) and nats-server.",
        &["state", "fleet MiB", "PostgreSQL MiB", "nats-server MiB"],
    );
    for (state, taken) in [("idle", idle), ("loaded", most)] {
        section.row([
            state.to_owned(),
            format!("{:.0}", taken.fleet),
            format!("{:.0}", taken.postgres),
            format!("{:.0}", taken.nats),
        ]);
    }
    section.note(format!(
        "Under this load the one process accepted {:.0} webhooks per second, worked {:.0} of its messages per second, and \
         made {sent} calls to the provider within its quota.",
        outcome.per_second,
        worked as f64 / seconds,
    ));
    section.verdict(Verdict::at_most(
        "whole fleet in one process, idle",
        idle.fleet,
        120.0,
        "MiB",
        false,
    ));
    Ok(section)
}
