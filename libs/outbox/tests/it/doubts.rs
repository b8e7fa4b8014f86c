//! A commit whose answer was lost, while there is more to publish than the relay can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use puente_outbox::Outbox;
use puente_testkit::{Proxy, wait_for};

use crate::support::{PATIENCE, SERVICE, event, hasty, run, servers};

/// Events in one commit.
const MANY: usize = 400;
/// Events that wait for the relay all the time: more than none, fewer than memory has room for.
const WAITING: i64 = 5_000;

async fn commit_many(outbox: &Outbox) {
    let mut tx = outbox.begin().await.unwrap();
    for _ in 0..MANY {
        tx.append(event("load"));
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_commit_is_published_although_the_relay_never_gets_to_the_end_of_its_queue() {
    let (db, nats) = servers().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let proxy = Proxy::to_url(&nats.url()).await;
    proxy.slow(Duration::from_millis(3));
    let relay = run(&outbox, &proxy.url(&nats.url())).await;
    let over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (outbox, over) = (outbox.clone(), over.clone());
        async move {
            while !over.load(Ordering::Relaxed) {
                if outbox.backlog() < WAITING {
                    commit_many(&outbox).await;
                } else {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    });
    wait_for("a queue", PATIENCE, || async { outbox.backlog() >= WAITING }).await;
    let ticket = outbox.ticket().await;
    let lost = event("lost");
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO mechanism.outbox (seq, slot, id, tenant, type, aggregate_id, payload)
         VALUES (nextval('mechanism.outbox_seq'), $1, $2, $3, $4, $5, $6) RETURNING seq",
    )
    .bind(outbox.slot())
    .bind(lost.id.uuid())
    .bind(lost.tenant.as_str())
    .bind(lost.event.name)
    .bind(&lost.aggregate_id)
    .bind(lost.payload.as_ref())
    .fetch_one(&db.admin())
    .await
    .unwrap();
    drop(ticket);
    wait_for("the cursor to pass it under load", PATIENCE, || async {
        let cursor: i64 = sqlx::query_scalar("SELECT max(cursor) FROM mechanism.relay_slots")
            .fetch_one(&db.admin())
            .await
            .unwrap();
        if cursor >= seq {
            Ok(())
        } else {
            Err((cursor, seq, outbox.backlog()))
        }
    })
    .await;
    over.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    relay.abort();
}
