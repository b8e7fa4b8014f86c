//! Replays that are stopped in the middle, by a crash or by a person.

use puente_proto::ingress::{CancelReplayRequest, DeliveryFilter, ReplayCounts};
use puente_testkit::{TestDb, TestNats, wait_for};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::asking::{Asking, asked, lately};
use crate::replays::{not_understood, outbox_rows, send, stream, stream_holds};
use crate::support::{PATIENCE, Running, start, start_on};

/// More than one part of a replay.
const DELIVERIES: usize = 520;

/// Sends deliveries, and holds the key of the newest one, which makes a new happening today: a replay publishes its
/// last part, and then waits at its commit for as long as the transaction lasts.
async fn with_a_held_key(ingress: &Running) -> Transaction<'static, Postgres> {
    for first in (0..DELIVERIES).step_by(40) {
        let last = (first + 40).min(DELIVERIES);
        futures::future::join_all((first..last).map(|n| send(ingress, [n]))).await;
    }
    stream_holds(ingress, DELIVERIES, 0).await;
    let asking = Asking::tenant(ingress, "algesta").await;
    let newest = asking
        .page(DeliveryFilter::default(), 1, "")
        .await
        .unwrap()
        .deliveries
        .remove(0)
        .id;
    let db = ingress.db.admin();
    let key: Uuid = sqlx::query_scalar("SELECT key FROM ingress.delivery_keys WHERE delivery_id = $1::uuid")
        .bind(&newest)
        .fetch_one(&db)
        .await
        .unwrap();
    not_understood(ingress, &newest).await;
    let mut holding = db.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO ingress.delivery_keys (key, event_id, delivery_id, provider) VALUES ($1, $2, $2, 'whatsapp_cloud')",
    )
    .bind(key)
    .bind(Uuid::now_v7())
    .execute(&mut *holding)
    .await
    .unwrap();
    holding
}

/// Waits until a replay has published everything and waits at its last commit.
async fn is_in_the_middle(ingress: &Running, replay: &str) {
    let asking = Asking::tenant(ingress, "algesta").await;
    wait_for("the first part", PATIENCE, || async {
        let replay = asking.replay(replay).await.map_err(|e| e.to_string())?;
        if replay.done.unwrap().deliveries == 500 {
            Ok(())
        } else {
            Err(format!("{replay:?}"))
        }
    })
    .await;
    wait_for("the second part in the stream", PATIENCE, || async {
        let repeated: usize = stream(ingress).await?.values().map(|one| one.1).sum();
        if repeated == DELIVERIES - 1 {
            Ok(())
        } else {
            Err(format!("{repeated}"))
        }
    })
    .await;
}

#[test]
fn a_replay_killed_between_publishing_and_commit_goes_on_in_another_replica() {
    let lasting = runtime();
    let doomed = runtime();
    let (db, nats, id): (TestDb, TestNats, _) = doomed.block_on(async {
        let ingress = start(asked).await;
        let holding = with_a_held_key(&ingress).await;
        let asking = Asking::tenant(&ingress, "algesta").await;
        let id = asking.start(lately(), "k").await.unwrap().id;
        is_in_the_middle(&ingress, &id).await;
        let (db, nats) = ingress.into_servers();
        // The held key is let go by the crash, and not before.
        tokio::spawn(async move {
            let _holding = holding;
            std::future::pending::<()>().await;
        });
        (db, nats, id)
    });
    // As kill -9 would: every task is gone where it stood, and nothing is said to anyone.
    doomed.shutdown_background();

    lasting.block_on(async {
        let ingress = start_on(db, nats, asked).await;
        let asking = Asking::tenant(&ingress, "algesta").await;
        let replay = asking.ended(&id).await;
        assert_eq!(replay.state, "done");
        assert_eq!(
            replay.done,
            Some(ReplayCounts {
                deliveries: DELIVERIES as u64,
                same: DELIVERIES as u64 - 1,
                fresh: 1,
                ..ReplayCounts::default()
            })
        );
        assert_eq!(outbox_rows(&ingress).await, DELIVERIES as i64);
        // What was published before the crash is not in the stream a second time; the undone event's first message and
        // the new one are the two that were not repeated.
        wait_for("the new event", PATIENCE, || async {
            let found = stream(&ingress).await?;
            let once = found.values().filter(|one| **one == (1, 0)).count();
            let twice = found.values().filter(|one| **one == (1, 1)).count();
            if (once, twice) == (2, DELIVERIES - 1) {
                Ok(())
            } else {
                Err(format!("{once} {twice}"))
            }
        })
        .await;
        ingress.stop().await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_replay_makes_nothing_more() {
    let ingress = start(asked).await;
    let holding = with_a_held_key(&ingress).await;
    let asking = Asking::tenant(&ingress, "algesta").await;
    let id = asking.start(lately(), "k").await.unwrap().id;
    is_in_the_middle(&ingress, &id).await;
    let cancel = asking.request(CancelReplayRequest { id: id.clone() });
    let answer = asking
        .replays
        .clone()
        .cancel_replay(cancel)
        .await
        .unwrap()
        .into_inner();
    let cancelled = answer.replay.unwrap();
    assert_eq!(
        (cancelled.state.as_str(), cancelled.ended_at.is_some()),
        ("cancelled", true)
    );
    // Now its part may go on; it finds that it must not.
    holding.rollback().await.unwrap();
    // A later replay shows that the worker is through with the one before.
    let next = asking.replayed(lately(), "next").await.done.unwrap();
    assert_eq!((next.deliveries, next.fresh), (DELIVERIES as u64, 1));
    let after = asking.replay(&id).await.unwrap();
    assert_eq!(after.state, "cancelled");
    assert_eq!(after.done, cancelled.done);
    assert_eq!(outbox_rows(&ingress).await, DELIVERIES as i64);
    ingress.stop().await;
}
