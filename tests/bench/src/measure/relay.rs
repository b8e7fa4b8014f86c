//! Events per second from the outbox to the broker, beside publishing without an outbox.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::StreamExt as _;
use puente_bus::Envelope;
use puente_outbox::{NewEvent, Outbox, Settings};
use puente_proto::messaging::MessageReceived;
use puente_service::{DatabaseConfig, db};
use puente_types::{Clock as _, EventId, SystemClock};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::measure::SENDERS;
use crate::plan::Plan;
use crate::report::Section;
use crate::stage::{Room, Stage, until};

/// Events of one commit while the outbox is filled.
const COMMIT: usize = 1_000;
/// Publishes under way at the same time, as the relay has it.
const WINDOW: usize = 1_024;

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let room = stage.room("relay").await?;
    let (first, relayed) = fill(&room, plan.events).await?;
    let raw = publish(&room, plan.events).await?;
    room.leave(stage).await?;
    let mut section = Section::new(
        "From the outbox to the broker",
        "The relay alone: events of about 1 KB are committed while it stands still (20,000 of them wait in memory, the rest \
         is read back from the table), then it runs until the cursor says that all are acknowledged. Beside it the same \
         client publishing the same events, ids included, without an outbox.",
        &["what", "events per second", "of publishing alone"],
    );
    section.row([
        "relay".to_owned(),
        format!("{relayed:.0}"),
        format!("{:.2}", relayed / raw),
    ]);
    section.row([
        "publishing alone".to_owned(),
        format!("{raw:.0}"),
        "1.00".to_owned(),
    ]);
    section.note(format!(
        "{} events; commits of {COMMIT} events wrote {first:.0} rows per second.",
        plan.events
    ));
    Ok(section)
}

/// Commits events, then lets the relay publish them. Returns rows per second, and events per second.
pub(crate) async fn fill(room: &Room, events: usize) -> Result<(f64, f64)> {
    let pool = db::pool(&DatabaseConfig::at(room.url()), "bench", Uuid::now_v7())?;
    let client = async_nats::connect(room.nats.url()).await?;
    puente_bus::declare(&client, Settings::default().stream).await?;
    note_broker(room, &pool, &client).await?;
    let outbox = Outbox::open(pool, "bench", Settings::default()).await?;
    let begin = Instant::now();
    for commit in 0..events.div_ceil(COMMIT) {
        let mut tx = outbox.begin().await?;
        for n in commit * COMMIT..((commit + 1) * COMMIT).min(events) {
            tx.append(event(n)?);
        }
        tx.commit().await?;
    }
    let committed = events as f64 / begin.elapsed().as_secs_f64();
    let stop = CancellationToken::new();
    let begin = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "the bench has no runtime of a service")]
    let relay = tokio::spawn(outbox.clone().run(client.clone(), stop.clone()));
    let cursor = "SELECT coalesce(max(cursor), 0) FROM bench.relay_slots";
    let last = room.count("SELECT max(seq) FROM bench.outbox").await?;
    while room.count(cursor).await? < last {
        anyhow::ensure!(
            begin.elapsed() < Duration::from_secs(120),
            "the relay does not come to its end"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let relayed = events as f64 / begin.elapsed().as_secs_f64();
    stop.cancel();
    relay.await?;
    Ok((committed, relayed))
}

/// Lets a relay meet the broker while the outbox is empty. Met later, it would be taken for one that lost its disk, and be
/// given everything once more beside what is measured.
async fn note_broker(room: &Room, pool: &PgPool, client: &async_nats::Client) -> Result<()> {
    let settings = Settings {
        housekeeping: Duration::from_millis(20),
        ..Settings::default()
    };
    let outbox = Outbox::open(pool.clone(), "bench", settings).await?;
    let stop = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the bench has no runtime of a service")]
    let relay = tokio::spawn(outbox.run(client.clone(), stop.clone()));
    let noted = async || Ok(room.count("SELECT count(*) FROM bench.relay_broker").await? > 0);
    until("the broker to be noted", noted).await?;
    stop.cancel();
    relay.await?;
    Ok(())
}

/// Publishes events without an outbox; events per second.
async fn publish(room: &Room, events: usize) -> Result<f64> {
    let client = async_nats::connect(room.nats.url()).await?;
    let js = async_nats::jetstream::ContextBuilder::new()
        .max_ack_inflight(WINDOW * 4)
        .build(client);
    let envelopes = (0..events).map(envelope).collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    let mut acks = futures::stream::iter(envelopes)
        .map(|envelope| {
            let js = js.clone();
            async move {
                let sent =
                    js.publish_with_headers(envelope.subject(), envelope.headers(), envelope.payload.clone());
                sent.await?.await
            }
        })
        .buffer_unordered(WINDOW);
    while let Some(ack) = acks.next().await {
        ack?;
    }
    Ok(events as f64 / begin.elapsed().as_secs_f64())
}

fn message(n: usize) -> MessageReceived {
    MessageReceived {
        provider: "whatsapp_cloud".to_owned(),
        connection: "bench-wa".to_owned(),
        contact_id: format!("57300{:07}", n as u64 % SENDERS),
        provider_message_id: format!("wamid.RELAY{n:020}"),
        receipt_sequence: i64::try_from(n).unwrap_or(i64::MAX),
        ..MessageReceived::default()
    }
}

fn event(n: usize) -> Result<NewEvent> {
    let tenant = "algesta".parse().context("no tenant")?;
    let message = message(n);
    let aggregate = message.contact_id.clone();
    Ok(NewEvent::new(&tenant, aggregate, &message))
}

fn envelope(n: usize) -> Result<Envelope> {
    let event = event(n)?;
    Ok(Envelope {
        id: EventId::new(),
        tenant: event.tenant,
        event: event.event,
        source: "bench".to_owned(),
        aggregate_id: event.aggregate_id,
        aggregate_version: None,
        cause: None,
        traceparent: None,
        occurred_at: SystemClock.now(),
        replay: false,
        payload: event.payload,
    })
}
