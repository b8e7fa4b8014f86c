//! What an accepted webhook costs with few and with many stored deliveries: two databases, taking turns.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::machine;
use crate::measure::accept::knows_connection;
use crate::measure::{Counter, Target, load, median, noise};
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::{Room, Stage, execute, until};

/// Rounds more than elsewhere: the difference looked for is small.
const MORE_ROUNDS: usize = 2;

/// Rows as the service writes them: a delivery of about a kilobyte, its duplicate key and its outbox row.
const FILL: [&str; 3] = [
    "INSERT INTO ingress.deliveries (id, received_at, receipt_sequence, provider, connection, tenant, path, query, headers,
         body, body_bytes, verification, outcome, reason, events, traceparent)
     SELECT uuid_in(overlay(md5(n::text) placing lpad(to_hex(n), 12, '0') from 1)::cstring), now(), n, 'whatsapp_cloud',
            'bench-wa', 'algesta', '/webhooks/whatsapp_cloud', '',
            '{\"host\": \"bench\", \"accept\": \"*/*\", \"content-type\": \"application/json\", \"user-agent\": \"facebookexternalua\"}',
            decode(repeat(md5(n::text), 60), 'hex'), 960, 'verified', 'accepted', NULL, 1,
            '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
     FROM generate_series(1, $1) AS n",
    "INSERT INTO ingress.delivery_keys (key, event_id, delivery_id, provider)
     SELECT md5('key' || n)::uuid, md5('event' || n)::uuid, md5(n::text)::uuid, 'whatsapp_cloud'
     FROM generate_series(1, $1) AS n",
    "INSERT INTO ingress.outbox (slot, id, tenant, type, aggregate_id, cause, traceparent, payload)
     SELECT 0, md5('event' || n)::uuid, 'algesta', 'puente.messaging.v1.MessageReceived', md5((n % 10000)::text),
            md5(n::text), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', decode(repeat(md5(n::text), 20), 'hex')
     FROM generate_series(1, $1) AS n",
];

struct Side {
    stored: usize,
    room: Room,
    child: Child,
    address: SocketAddr,
    rates: Vec<f64>,
    /// Processor microseconds of ingress and PostgreSQL for one webhook.
    costs: Vec<f64>,
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let begin = Instant::now();
    let mut sides = [
        side(stage, "few", plan.stored.0).await?,
        side(stage, "many", plan.stored.1).await?,
    ];
    let filled = begin.elapsed();
    let mut generator = stage.child("load")?;
    let mut counter = Counter::new();
    for _ in 0..plan.rounds + MORE_ROUNDS {
        for side in &mut sides {
            let cpu = |side: &Side| {
                machine::cpu_seconds(side.child.pid) + machine::cpu_seconds_of_tree(stage.postgres_pid())
            };
            let before = cpu(side);
            let target = Target {
                address: side.address,
                connections: 32,
                duration: plan.cell,
                at_most: 20_000,
                again: false,
            };
            let outcome = load(&mut generator, &mut counter, plan, target).await?;
            side.rates.push(outcome.per_second);
            side.costs
                .push((cpu(side) - before) * 1e6 / outcome.accepted as f64);
        }
    }
    generator.stop().await?;
    let mut section = Section::new(
        "Cost with many stored deliveries",
        "Two databases, one with few and one with many deliveries, keys and outbox rows in today's partitions, filled by SQL, \
         vacuumed and analysed, and all events of them in the stream before it begins; accepted webhooks over 32 \
         connections, in turns. The cost is the processor time of ingress and PostgreSQL together.",
        &["stored", "accepted per second", "± %", "CPU µs per webhook"],
    );
    for side in &sides {
        section.row([
            side.stored.to_string(),
            format!("{:.0}", median(side.rates.iter().copied())),
            format!("{:.0}", noise(&side.rates)),
            format!("{:.0}", median(side.costs.iter().copied())),
        ]);
    }
    let [few, many] = &sides;
    // Each round's two neighbours are compared: what else the machine does moves both.
    let paired =
        |of: fn(&Side) -> &Vec<f64>| median(of(many).iter().zip(of(few)).map(|(many, few)| many / few));
    let (rate, cost) = (paired(|side| &side.rates), paired(|side| &side.costs));
    section.note(format!(
        "Many against few, median of the rounds: {:.1} % more time per webhook, {:.1} % more processor time. Filling took {:.0} s.",
        (1.0 / rate - 1.0) * 100.0,
        (cost - 1.0) * 100.0,
        filled.as_secs_f64(),
    ));
    section.verdict(Verdict::at_most(
        "cost per webhook, many stored against few",
        (1.0 / rate - 1.0) * 100.0,
        10.0,
        "%",
        false,
    ));
    for side in sides {
        side.child.stop().await?;
        side.room.leave(stage).await?;
    }
    Ok(section)
}

async fn side(stage: &Stage, name: &str, stored: usize) -> Result<Side> {
    let room = stage.room(name).await?;
    stage.connect(&room, "http://127.0.0.1:9").await?;
    for statement in FILL {
        sqlx::query(statement)
            .bind(i32::try_from(stored)?)
            .execute(&room.admin)
            .await
            .context("the tables cannot be filled")?;
    }
    execute(
        &room.admin,
        "VACUUM (ANALYZE) ingress.deliveries, ingress.delivery_keys, ingress.outbox".to_owned(),
    )
    .await?;
    let (child, running) = stage.fleet(&stage.order(&room, &["ingress"])).await?;
    let address = running.ingress.context("ingress has no address")?;
    knows_connection(address).await?;
    // The broker is new to the service, which first gives it all that the outbox holds.
    let noted = async || Ok(room.count("SELECT count(*) FROM ingress.relay_broker").await? > 0);
    until("the outbox to be published", noted).await?;
    execute(&room.admin, "CHECKPOINT".to_owned()).await?;
    Ok(Side {
        stored,
        room,
        child,
        address,
        rates: Vec::new(),
        costs: Vec::new(),
    })
}
