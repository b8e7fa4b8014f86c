//! From the stream into a service's state, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use puente_bus::topology::ConsumerSpec;
use puente_bus::{Envelope, StreamSettings, consume};
use puente_outbox::{ApplyError, EventHandler, Inbox, Outbox, Tx};
use puente_proto::Event as _;
use puente_proto::orders::ClientRegistered;
use puente_testkit::{TestDb, TestNats, wait_for};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, SERVICE, commit, hasty, run, servers};

const SPEC: ConsumerSpec = ConsumerSpec {
    durable: "counting",
    events: &[ClientRegistered::TYPE],
    ack_wait: Duration::from_secs(2),
    max_deliver: 3,
    max_ack_pending: 256,
    batch: 64,
    workers: 2,
};

/// Counts each client in a table; fails as the client's name says.
struct Counting {
    early: AtomicU32,
}

#[async_trait]
impl EventHandler for Counting {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        let client = event.decode::<ClientRegistered>().map_err(|e| ApplyError::Dead(e.to_string()))?;
        sqlx::query("INSERT INTO seen (name) VALUES ($1)").bind(&client.client_id).execute(&mut **tx).await?;
        match client.client_id.as_str() {
            "broken" => Err(ApplyError::Dead("never works".into())),
            "stubborn" => Err(ApplyError::Retry("not yet".into())),
            "early" if self.early.fetch_add(1, Ordering::SeqCst) < 3 => Err(ApplyError::Early),
            _ => Ok(()),
        }
    }
}

async fn consumer(db: &TestDb, nats: &TestNats) -> CancellationToken {
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let inbox = Inbox::new(outbox, SPEC, Arc::new(Counting { early: AtomicU32::new(0) }));
    let stop = CancellationToken::new();
    tokio::spawn(consume(nats.client().await, SPEC, StreamSettings::default(), Arc::new(inbox), stop.clone()));
    stop
}

async fn seen(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM mechanism.seen ORDER BY name").fetch_all(&db.admin()).await.unwrap()
}

async fn table(db: &TestDb) {
    sqlx::raw_sql("CREATE TABLE mechanism.seen (name text NOT NULL); GRANT ALL ON mechanism.seen TO mechanism_worker")
        .execute(&db.admin())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_changes_the_state_once_although_two_replicas_consume_and_the_broker_is_wiped() {
    let (db, mut nats) = servers().await;
    table(&db).await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let (one, two) = (consumer(&db, &nats).await, consumer(&db, &nats).await);
    let mut names = Vec::new();
    for n in 0..100 {
        names.push(format!("c{n:03}"));
        commit(&outbox, &format!("c{n:03}")).await.unwrap();
    }
    wait_for("all events to be handled", PATIENCE, || async { seen(&db).await == names }).await;
    nats.kill9().await;
    nats.start_again_empty().await;
    commit(&outbox, "last").await.unwrap();
    names.push("last".into());
    wait_for("the last event, after the broker lost its disk", PATIENCE, || async { seen(&db).await == names }).await;
    one.cancel();
    two.cancel();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_delays_nobody_and_ends_as_a_dead_letter_with_its_reason() {
    let (db, nats) = servers().await;
    table(&db).await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    for name in ["a", "broken", "b", "stubborn", "c", "early", "d"] {
        commit(&outbox, name).await.unwrap();
    }
    let relay = run(&outbox, &nats.url()).await;
    let stop = consumer(&db, &nats).await;
    wait_for("everything that works", PATIENCE, || async { seen(&db).await == ["a", "b", "c", "d", "early"] }).await;
    let dead = wait_for("two dead letters", PATIENCE, || async {
        let dead: Vec<(String, String, i32)> =
            sqlx::query_as("SELECT aggregate_id, reason, attempts FROM mechanism.dead_letters ORDER BY aggregate_id")
                .fetch_all(&db.admin())
                .await
                .unwrap();
        (dead.len() == 2).then_some(dead)
    })
    .await;
    assert_eq!(dead[0], ("broken".into(), "never works".into(), dead[0].2));
    assert_eq!((dead[1].0.as_str(), dead[1].1.as_str(), dead[1].2), ("stubborn", "not yet", 3));
    stop.cancel();
    relay.stop().await;
}
