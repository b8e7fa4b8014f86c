//! Events per second from the broker to the tables: the smallest consumer that writes inbox, state and outbox, and the
//! orders service.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::machine;
use crate::measure::relay;
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::{Room, Stage, execute, until};

/// What was done in a second.
struct Rates {
    consumed: f64,
    worked: f64,
    published: f64,
    cpu: [f64; 3],
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let room = stage.room("consume").await?;
    relay::fill(&room, plan.events).await?;
    let minimal = watch(
        stage,
        &room,
        plan,
        "bench",
        [
            "SELECT count(*) FROM bench.inbox",
            "SELECT coalesce(sum(n), 0)::bigint FROM bench.counts",
            "SELECT count(*) FROM bench.outbox WHERE type = 'puente.orders.v1.ClientRegistered'",
        ],
    )
    .await?;
    let orders = watch(
        stage,
        &room,
        plan,
        "orders",
        [
            "SELECT count(*) FROM orders.inbox",
            "SELECT count(*) FROM orders.conversation_messages WHERE worked_at IS NOT NULL",
            "SELECT count(*) FROM orders.outbox",
        ],
    )
    .await?;
    room.leave(stage).await?;
    let mut section = Section::new(
        "From the broker to the tables",
        "A consumer with a full stream before it, watched for some seconds. The smallest one marks the event in its inbox, \
         changes a row of state and writes an event to its outbox, in the transaction that is acknowledged after it; its \
         relay publishes meanwhile. The orders service puts messages in the queues of their conversations and works them: \
         the bot's turn, the conversation's memory, the answer as an event. One after the other; \
         the queue's tables are analysed once there is something in them.",
        &[
            "consumer",
            "consumed per second",
            "worked per second",
            "events out per second",
            "CPU s: it, PostgreSQL, nats",
        ],
    );
    for (name, rates) in [("smallest", &minimal), ("orders", &orders)] {
        let [own, postgres, nats] = rates.cpu;
        section.row([
            name.to_owned(),
            format!("{:.0}", rates.consumed),
            format!("{:.0}", rates.worked),
            format!("{:.0}", rates.published),
            format!("{own:.1}, {postgres:.1}, {nats:.1}"),
        ]);
    }
    section.verdict(Verdict::at_least(
        "a consumer that writes inbox, state and outbox",
        minimal.worked,
        4_000.0,
        "/s",
        true,
    ));
    Ok(section)
}

/// Watches a consumer while it has enough to do. The counts are of what it consumed, worked, and wrote to its outbox.
async fn watch(
    stage: &Stage,
    room: &Room,
    plan: &Plan,
    service: &'static str,
    counts: [&'static str; 3],
) -> Result<Rates> {
    let count = async || -> Result<([i64; 3], Instant)> {
        let [consumed, worked, published] = counts;
        // One snapshot for each, and the time of each is small beside what is watched.
        let at = Instant::now();
        Ok((
            [
                room.count(consumed).await?,
                room.count(worked).await?,
                room.count(published).await?,
            ],
            at,
        ))
    };
    let (child, _) = stage.fleet(&stage.order(room, &[service])).await?;
    until("the consumer to work", async || {
        Ok(count().await?.0.iter().all(|count| *count > 0))
    })
    .await?;
    if service == "orders" {
        // Autovacuum does so within the first minute. Plans made for empty tables, which know no difference between
        // indexes, say nothing about a service at work.
        execute(
            &room.admin,
            "ANALYZE orders.conversations, orders.conversation_messages".to_owned(),
        )
        .await?;
    }
    let cpu = || {
        [
            machine::cpu_seconds(child.pid),
            machine::cpu_seconds_of_tree(stage.postgres_pid()),
            machine::cpu_seconds(room.nats.pid()),
        ]
    };
    let used = cpu();
    let (before, begin) = count().await?;
    tokio::time::sleep(plan.consuming).await;
    let (after, end) = count().await?;
    let mut spent = cpu();
    spent.iter_mut().zip(used).for_each(|(now, then)| *now -= then);
    child.stop().await?;
    let seconds = (end - begin).as_secs_f64();
    let rates = |at: usize| {
        let count = |counts: &[i64; 3]| counts.get(at).copied().unwrap_or(0);
        (count(&after) - count(&before)) as f64 / seconds
    };
    ensure!(
        plan.events < 10_000 || after.iter().all(|count| *count < plan.events as i64),
        "{service} was done before the watch ended: more events are needed"
    );
    Ok(Rates {
        consumed: rates(0),
        worked: rates(1),
        published: rates(2),
        cpu: spent,
    })
}
