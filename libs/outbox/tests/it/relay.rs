//! From the commit to the stream, whatever dies in between.

use std::time::Duration;

use puente_outbox::{Outbox, Settings};
use puente_testkit::{Proxy, wait_for};

use crate::support::{PATIENCE, SERVICE, commit, event, hasty, in_stream, run, servers, slots, stream_holds};

#[tokio::test(flavor = "multi_thread")]
async fn committed_events_reach_the_stream_once_and_rolled_back_ones_never() {
    let (db, nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for n in 0..50 {
        ids.push(commit(&outbox, &format!("c{n}")).await.unwrap());
        let mut undone = outbox.begin().await.unwrap();
        undone.append(event("undone"));
        drop(undone);
    }
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
    assert_eq!(
        slots(&db.pool(SERVICE)).await,
        0,
        "a replica that has published everything gives its slot back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_killed_between_commit_and_publish_has_its_tail_published_by_another() {
    let (db, nats) = servers().await;
    let dead = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(commit(&dead, &format!("c{n}")).await.unwrap());
    }
    drop(dead);
    let other = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&other, &nats.url()).await;
    ids.push(commit(&other, "own").await.unwrap());
    stream_holds(&nats.client().await, &ids).await;
    let pool = db.pool(SERVICE);
    wait_for("the dead replica's slot to be gone", PATIENCE, || async {
        slots(&pool).await == 1
    })
    .await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_only_asleep_loses_nothing_when_its_slot_was_taken_over() {
    let (db, nats) = servers().await;
    let asleep = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let mut ids = vec![commit(&asleep, "before").await.unwrap()];
    let other = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&other, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    let pool = db.pool(SERVICE);
    wait_for("the take-over", PATIENCE, || async { slots(&pool).await == 1 }).await;

    let lost = asleep.slot();
    ids.push(commit(&asleep, "in a new slot").await.unwrap());
    assert!(asleep.slot() > lost);
    let awake = run(&asleep, &nats.url()).await;
    ids.push(commit(&asleep, "after").await.unwrap());
    stream_holds(&nats.client().await, &ids).await;
    awake.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_that_find_their_slot_taken_over_one_takes_a_new_one_for_all() {
    // More than the pool has connections.
    const WRITERS: usize = 20;
    let (db, nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    sqlx::query("DELETE FROM mechanism.relay_slots")
        .execute(&db.admin())
        .await
        .unwrap();
    let lost = outbox.slot();
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let outbox = outbox.clone();
            tokio::spawn(async move { commit(&outbox, &format!("w{n}")).await })
        })
        .collect();
    let mut ids = Vec::new();
    for writer in writers {
        ids.push(writer.await.unwrap().unwrap());
    }
    assert_eq!(outbox.slot(), lost + 1);
    assert_eq!(slots(&db.pool(SERVICE)).await, 1);
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_go_on_while_the_broker_is_down_and_flow_when_it_is_back() {
    let (db, mut nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = vec![commit(&outbox, "first").await.unwrap()];
    stream_holds(&nats.client().await, &ids).await;
    nats.kill9().await;
    for n in 0..200 {
        ids.push(commit(&outbox, &format!("down{n}")).await.unwrap());
    }
    nats.start_again().await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_with_an_empty_disk_is_filled_again_from_the_outbox() {
    let (db, mut nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(commit(&outbox, &format!("c{n}")).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    nats.kill9().await;
    nats.start_again_empty().await;
    ids.push(commit(&outbox, "afterwards").await.unwrap());
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_its_disk_before_it_was_noted_is_filled_again_too() {
    let (db, mut nats) = servers().await;
    // The slow lane never gets to note which stream it was.
    let slow = Settings {
        housekeeping: Duration::from_hours(1),
        ..hasty()
    };
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, slow).await.unwrap();
    puente_bus::declare(&nats.client().await, slow.stream)
        .await
        .unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(commit(&outbox, &format!("c{n}")).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    relay.abort();
    nats.kill9().await;
    nats.start_again_empty().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_whose_answer_was_lost_are_published_if_they_happened() {
    let (db, nats) = servers().await;
    let proxy = Proxy::to_url(db.url()).await;
    let mut config = db.config();
    config.url = proxy.url(db.url()).into();
    let pool = puente_service::db::pool(&config, SERVICE, uuid::Uuid::now_v7()).unwrap();
    let outbox = Outbox::open(pool, SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let writers: Vec<_> = (0..4)
        .map(|w| {
            let outbox = outbox.clone();
            tokio::spawn(async move {
                for n in 0..60 {
                    // Whether it fails is not the point: what the table holds is.
                    let _ = commit(&outbox, &format!("w{w}n{n}")).await;
                }
            })
        })
        .collect();
    for _ in 0..6 {
        wait_for("some commits to be under way", PATIENCE, || async {
            sqlx::query_scalar::<_, bool>("SELECT count(*) > 0 FROM mechanism.outbox")
                .fetch_one(&db.admin())
                .await
                .unwrap()
        })
        .await;
        proxy.break_connections();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let ids: Vec<String> = sqlx::query_scalar("SELECT id::text FROM mechanism.outbox")
        .fetch_all(&db.admin())
        .await
        .unwrap();
    assert!(!ids.is_empty());
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_in_the_middle_publishes_nothing_twice_after_the_restart() {
    let (db, nats) = servers().await;
    let first = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&first, &nats.url()).await;
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(commit(&first, &format!("c{n}")).await.unwrap());
    }
    relay.abort();
    drop(first);
    let second = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&second, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    assert_eq!(in_stream(&nats.client().await).await.unwrap().len(), ids.len());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_tail_is_taken_over_although_the_database_ends_transactions_that_stand_idle() {
    const ROWS: usize = 1_500;
    let (db, nats) = servers().await;
    let dead = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let mut tx = dead.begin().await.unwrap();
    let mut ids = Vec::new();
    for n in 0..ROWS {
        let event = event(&format!("c{n}"));
        ids.push(event.id.to_string());
        tx.append(event);
    }
    tx.commit().await.unwrap();
    drop(dead);

    // A slow way to the broker: publishing takes longer than a transaction may stand idle.
    let proxy = Proxy::to_url(&nats.url()).await;
    proxy.slow(std::time::Duration::from_millis(20));
    let options = (*db.pool(SERVICE).connect_options())
        .clone()
        .options([("idle_in_transaction_session_timeout", "50")]);
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options);
    let other = Outbox::open(pool, SERVICE, hasty()).await.unwrap();
    let relay = run(&other, &proxy.url(&nats.url())).await;
    let slots_pool = db.pool(SERVICE);
    wait_for("the tail to be taken over", PATIENCE * 2, || async {
        slots(&slots_pool).await == 1
    })
    .await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}
