//! Waiting until nothing moves: no event unhandled, no message unworked, no call due, no report on its way.

use std::time::{Duration, Instant};

use puente_bus::topology;
use puente_e2e::Stage;
use sqlx::PgPool;

use crate::load::PROVIDERS;

/// The longest wait: more than any lease, pause and redelivery of the fleet.
const PATIENCE: Duration = Duration::from_secs(240);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);
/// Looks in a row that must find nothing: work may be between two places at one look.
const LOOKS: usize = 4;

const WAITING: &str = "\
SELECT 'messages not worked', count(*) FROM orders.conversation_messages WHERE worked_at IS NULL
UNION ALL SELECT 'calls due or under way', count(*) FROM notifications.effects WHERE state <> 'unknown'
UNION ALL SELECT 'calls to DocuSign due or under way', count(*) FROM signature.effects WHERE state <> 'unknown'
UNION ALL SELECT 'calls to Asana due or under way', count(*) FROM sync.effects WHERE state <> 'unknown'
UNION ALL SELECT 'contracts not signed', count(*) FROM signature.signatures WHERE step <> 'ended'
UNION ALL SELECT 'orders in signature', count(*) FROM orders.orders WHERE state = 'EnFirma'
UNION ALL SELECT 'events above a cursor', (SELECT count(*) FROM ingress.outbox o JOIN ingress.relay_slots s USING (slot) WHERE o.seq > s.cursor)
    + (SELECT count(*) FROM orders.outbox o JOIN orders.relay_slots s USING (slot) WHERE o.seq > s.cursor)
    + (SELECT count(*) FROM ocr.outbox o JOIN ocr.relay_slots s USING (slot) WHERE o.seq > s.cursor)
    + (SELECT count(*) FROM sync.outbox o JOIN sync.relay_slots s USING (slot) WHERE o.seq > s.cursor)
    + (SELECT count(*) FROM signature.outbox o JOIN signature.relay_slots s USING (slot) WHERE o.seq > s.cursor)
    + (SELECT count(*) FROM notifications.outbox o JOIN notifications.relay_slots s USING (slot) WHERE o.seq > s.cursor)";

/// Waits; returns what still moved when patience ended, and nothing if all is quiet.
pub(crate) async fn quiet(stage: &Stage) -> Vec<String> {
    let pool = stage.db.admin();
    let begin = Instant::now();
    let mut calm = 0;
    loop {
        let moving = moving(stage, &pool).await;
        calm = if moving.is_empty() { calm + 1 } else { 0 };
        if calm == LOOKS || begin.elapsed() > PATIENCE {
            return moving;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn moving(stage: &Stage, pool: &PgPool) -> Vec<String> {
    let mut moving = Vec::new();
    match sqlx::query_as::<_, (String, i64)>(WAITING).fetch_all(pool).await {
        Ok(rows) => moving.extend(
            rows.into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(what, count)| format!("{count} {what}")),
        ),
        Err(error) => moving.push(format!("the database: {error}")),
    }
    if let Err(error) = unhandled(stage, &mut moving).await {
        moving.push(format!("the broker: {error}"));
    }
    for provider in PROVIDERS.into_iter().chain(["docusign"]) {
        let pending = stage.hub.callbacks(provider).pending;
        if pending > 0 {
            moving.push(format!("{pending} messages of {provider} with reports to come"));
        }
    }
    moving
}

async fn unhandled(stage: &Stage, moving: &mut Vec<String>) -> anyhow::Result<()> {
    let client = async_nats::connect(stage.nats.url()).await?;
    let stream = async_nats::jetstream::new(client)
        .get_stream(topology::EVENTS)
        .await?;
    for spec in topology::CONSUMERS {
        let info = stream.consumer_info(spec.durable).await?;
        let left = info.num_pending + info.num_ack_pending as u64;
        if left > 0 {
            moving.push(format!("{left} events for {}", spec.durable));
        }
    }
    Ok(())
}
