//! Rows that a newer version wrote: they wait for it, and hold up nothing else.

use puente_outbox::Outbox;
use puente_testkit::{TestDb, wait_for};

use crate::support::{PATIENCE, SERVICE, commit, hasty, run, servers, slots, stream_holds};

/// Makes an event one of a type that this version does not know.
async fn make_unknown(db: &TestDb, name: &str) {
    sqlx::query("UPDATE mechanism.outbox SET type = 'orders.client.teleported' WHERE aggregate_id = $1")
        .bind(name)
        .execute(&db.admin())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_cannot_be_read_keeps_its_slot_and_other_tails_are_published() {
    let (db, nats) = servers().await;
    let newer = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let mut ids = vec![commit(&newer, "known").await.unwrap()];
    let unknown = commit(&newer, "unknown").await.unwrap();
    make_unknown(&db, "unknown").await;
    let older = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    ids.push(commit(&older, "older").await.unwrap());
    drop((newer, older));

    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    // Not by the filling of a new broker, which is another test's.
    let client = nats.client().await;
    let declared = puente_bus::declare(&client, hasty().stream).await.unwrap();
    sqlx::query("INSERT INTO mechanism.relay_broker (stream, created_at, server, seen_at) VALUES ('EVENTS', date_trunc('microseconds', $1), $2, now())")
        .bind(declared.created_at)
        .bind(client.server_info().server_id)
        .execute(&db.admin())
        .await
        .unwrap();
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&client, &ids).await;
    let pool = db.pool(SERVICE);
    wait_for("the readable tail's slot to be gone", PATIENCE, || async {
        slots(&pool).await == 2
    })
    .await;
    relay.stop().await;

    // The newer version is back.
    sqlx::query("UPDATE mechanism.outbox SET type = (SELECT type FROM mechanism.outbox WHERE aggregate_id = 'known') WHERE aggregate_id = 'unknown'")
        .execute(&db.admin())
        .await
        .unwrap();
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    ids.push(unknown);
    stream_holds(&client, &ids).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_broker_gets_all_that_can_be_read_and_the_rest_from_the_version_that_can() {
    let (db, mut nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for name in ["first", "unknown", "last"] {
        ids.push(commit(&outbox, name).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
    make_unknown(&db, "unknown").await;
    nats.kill9().await;
    nats.start_again_empty().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&nats.client().await, &[ids[0].clone(), ids[2].clone()]).await;
    relay.stop().await;

    sqlx::query(
        "UPDATE mechanism.outbox SET type = (SELECT type FROM mechanism.outbox WHERE aggregate_id = 'first')",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}
