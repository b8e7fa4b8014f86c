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
#[derive(Default)]
pub(crate) struct Counting {
    early: AtomicU32,
    /// Set: the consumer never comes back from its commit, and so never acknowledges.
    stuck_after_commit: Option<Arc<AtomicU32>>,
}

#[async_trait]
impl EventHandler for Counting {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        let client = event
            .decode::<ClientRegistered>()
            .map_err(|e| ApplyError::Dead(e.to_string()))?;
        sqlx::query("INSERT INTO seen (name) VALUES ($1)")
            .bind(&client.client_id)
            .execute(&mut **tx)
            .await?;
        match client.client_id.as_str() {
            "broken" => Err(ApplyError::Dead("never works".into())),
            "stubborn" => Err(ApplyError::Retry("not yet".into())),
            "unstorable" => Err(sqlx::query("SELECT $1::text")
                .bind("a\0b")
                .execute(&mut **tx)
                .await
                .unwrap_err()
                .into()),
            "early" if self.early.fetch_add(1, Ordering::SeqCst) < 3 => Err(ApplyError::Early),
            _ => Ok(()),
        }
    }

    fn committed(&self) {
        if let Some(commits) = &self.stuck_after_commit {
            commits.fetch_add(1, Ordering::SeqCst);
            // Hands the worker's other duties on, so that the rest of its runtime goes on.
            tokio::task::block_in_place(|| std::thread::park_timeout(Duration::from_secs(3600)));
        }
    }
}

pub(crate) async fn consumer(db: &TestDb, nats: &TestNats, counting: Counting) -> CancellationToken {
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let inbox = Inbox::new(outbox, SPEC, Arc::new(counting));
    let stop = CancellationToken::new();
    tokio::spawn(consume(
        nats.client().await,
        SPEC,
        StreamSettings::default(),
        Arc::new(inbox),
        stop.clone(),
    ));
    stop
}

pub(crate) async fn seen(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM mechanism.seen ORDER BY name")
        .fetch_all(&db.admin())
        .await
        .unwrap()
}

pub(crate) async fn table(db: &TestDb) {
    sqlx::raw_sql(
        "CREATE TABLE mechanism.seen (name text NOT NULL); GRANT ALL ON mechanism.seen TO mechanism_worker",
    )
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
    let (one, two) = (
        consumer(&db, &nats, Counting::default()).await,
        consumer(&db, &nats, Counting::default()).await,
    );
    let mut names = Vec::new();
    for n in 0..100 {
        names.push(format!("c{n:03}"));
        commit(&outbox, &format!("c{n:03}")).await.unwrap();
    }
    wait_for("all events to be handled", PATIENCE, || async {
        seen(&db).await == names
    })
    .await;
    nats.kill9().await;
    nats.start_again_empty().await;
    commit(&outbox, "last").await.unwrap();
    names.push("last".into());
    wait_for(
        "the last event, after the broker lost its disk",
        PATIENCE,
        || async { seen(&db).await == names },
    )
    .await;
    one.cancel();
    two.cancel();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_delays_nobody_and_ends_as_a_dead_letter_with_its_reason() {
    let (db, nats) = servers().await;
    table(&db).await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    for name in ["a", "broken", "b", "stubborn", "unstorable", "c", "early", "d"] {
        commit(&outbox, name).await.unwrap();
    }
    let relay = run(&outbox, &nats.url()).await;
    let stop = consumer(&db, &nats, Counting::default()).await;
    wait_for("everything that works", PATIENCE, || async {
        seen(&db).await == ["a", "b", "c", "d", "early"]
    })
    .await;
    let dead = wait_for("three dead letters", PATIENCE, || async {
        let dead: Vec<(String, String, i32)> = sqlx::query_as(
            "SELECT aggregate_id, reason, attempts FROM mechanism.dead_letters ORDER BY aggregate_id",
        )
        .fetch_all(&db.admin())
        .await
        .unwrap();
        (dead.len() == 3).then_some(dead)
    })
    .await;
    assert_eq!(dead[0], ("broken".into(), "never works".into(), dead[0].2));
    assert_eq!(
        (dead[1].0.as_str(), dead[1].1.as_str(), dead[1].2),
        ("stubborn", "not yet", 3)
    );
    stop.cancel();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_killed_between_commit_and_acknowledgement_is_followed_by_one_that_does_it_not_again() {
    let (db, nats) = servers().await;
    table(&db).await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    commit(&outbox, "once").await.unwrap();

    // A runtime of its own, whose end takes everything with it that the consumer knew: as kill -9 would.
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let commits = Arc::new(AtomicU32::new(0));
    tokio::task::block_in_place(|| {
        doomed.block_on(async {
            let stuck = Counting {
                stuck_after_commit: Some(commits.clone()),
                ..Counting::default()
            };
            std::mem::forget(consumer(&db, &nats, stuck).await);
            wait_for("the commit", PATIENCE, || async {
                commits.load(Ordering::SeqCst) == 1
            })
            .await;
        });
    });
    doomed.shutdown_background();
    assert_eq!(seen(&db).await, ["once"]);

    let second = consumer(&db, &nats, Counting::default()).await;
    commit(&outbox, "next").await.unwrap();
    wait_for("the next event", PATIENCE, || async {
        seen(&db).await.contains(&"next".to_owned())
    })
    .await;
    let client = nats.client().await;
    wait_for("the redelivery to be acknowledged", PATIENCE, || async {
        let js = async_nats::jetstream::new(client.clone());
        let stream = js.get_stream("EVENTS").await.map_err(|e| e.to_string())?;
        let info = stream
            .consumer_info(SPEC.durable)
            .await
            .map_err(|e| e.to_string())?;
        if info.num_ack_pending == 0 && info.num_pending == 0 {
            Ok(())
        } else {
            Err(format!("{info:?}"))
        }
    })
    .await;
    assert_eq!(seen(&db).await, ["next", "once"]);
    second.cancel();
    relay.stop().await;
}
