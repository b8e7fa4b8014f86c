//! Filling a broker with a new disk, and what goes on beside it.

use std::time::Duration;

use puente_outbox::{Outbox, Settings};
use puente_testkit::{Proxy, wait_for};

use crate::support::{PATIENCE, SERVICE, commit, hasty, run, servers, slots, stream_holds};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_broker_does_not_get_events_that_consumers_may_have_forgotten() {
    let (db, mut nats) = servers().await;
    let settings = Settings {
        keep_days: 90,
        ..hasty()
    };
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, settings).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for name in ["old", "young"] {
        ids.push(commit(&outbox, name).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
    sqlx::query(
        "UPDATE mechanism.outbox SET created_at = now() - interval '31 days' WHERE aggregate_id = 'old'",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    nats.kill9().await;
    nats.start_again_empty().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, settings).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&nats.client().await, &ids[1..]).await;
    wait_for("the filling to be over", PATIENCE, || async {
        let created: String = sqlx::query_scalar("SELECT server FROM mechanism.relay_broker")
            .fetch_one(&db.admin())
            .await
            .unwrap();
        created == nats.client().await.server_info().server_id
    })
    .await;
    stream_holds(&nats.client().await, &ids[1..]).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_of_gone_replicas_are_published_although_the_stream_cannot_be_declared() {
    let (db, nats) = servers().await;
    let dead = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    commit(&dead, "tail").await.unwrap();
    drop(dead);
    // Another stream has the subjects: events are taken, but ours is refused.
    let other = async_nats::jetstream::stream::Config {
        name: "OTHER".to_owned(),
        subjects: vec![puente_bus::topology::ALL_EVENTS.to_owned()],
        ..Default::default()
    };
    async_nats::jetstream::new(nats.client().await)
        .create_stream(other)
        .await
        .unwrap();
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let pool = db.pool(SERVICE);
    wait_for("the dead replica's slot to be gone", PATIENCE, || async {
        slots(&pool).await == 1
    })
    .await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_free_for_changes_while_a_broker_is_filled_from_it() {
    let (db, nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(commit(&outbox, &format!("c{n}")).await.unwrap());
    }
    let proxy = Proxy::to_url(&nats.url()).await;
    proxy.slow(Duration::from_millis(300));
    let relay = run(&outbox, &proxy.url(&nats.url())).await;
    let holding = wait_for("a transaction that waits for the broker", PATIENCE, || async {
        sqlx::query_scalar::<_, Vec<String>>(
            "SELECT array_agg(l.relation::regclass::text) FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)
             WHERE a.datname = current_database() AND a.state = 'idle in transaction' AND l.relation IS NOT NULL
               AND a.state_change < clock_timestamp() - interval '100 milliseconds'
             HAVING count(*) > 0",
        )
        .fetch_optional(&db.admin())
        .await
        .unwrap()
        .ok_or("none")
    })
    .await;
    assert!(
        holding.iter().all(|table| !table.contains("outbox")),
        "{holding:?}"
    );
    proxy.mend();
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}
