//! An orderly end, while answers to callers still commit.

use puente_outbox::Outbox;
use puente_testkit::wait_for;

use crate::support::{PATIENCE, SERVICE, commit, event, hasty, run, servers, slots, stream_holds};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_between_the_last_publish_and_the_end_keeps_the_slot_for_whoever_drains_it() {
    let (db, nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = vec![commit(&outbox, "published").await.unwrap()];
    stream_holds(&nats.client().await, &ids).await;

    // A command of which the relay knows nothing any more.
    let late = event("late");
    let mut command = db.admin().begin().await.unwrap();
    sqlx::query("SELECT slot FROM mechanism.relay_slots WHERE slot = $1 FOR KEY SHARE")
        .bind(outbox.slot())
        .execute(&mut *command)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO mechanism.outbox (slot, id, tenant, type, aggregate_id, payload) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(outbox.slot())
    .bind(late.id.uuid())
    .bind(late.tenant.as_str())
    .bind(late.event.name)
    .bind(&late.aggregate_id)
    .bind(late.payload.as_ref())
    .execute(&mut *command)
    .await
    .unwrap();
    let stopping = tokio::spawn(relay.stop());
    wait_for("the end to wait for the command", PATIENCE, || async {
        sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(&db.admin())
        .await
        .unwrap()
    })
    .await;
    command.commit().await.unwrap();
    stopping.await.unwrap();
    assert_eq!(slots(&db.pool(SERVICE)).await, 1, "somebody has to drain it");

    ids.push(late.id.to_string());
    let other = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&other, &nats.url()).await;
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
}
