//! Outboxes against a stream that lost something.

use puente_outbox::{Outbox, ReconcileError, Reconciled, Scope, Source, reconcile};
use puente_testkit::{TestDb, TestNats, wait_for};

use crate::inbox::{Counting, consumer, seen, table};
use crate::support::{PATIENCE, SERVICE, commit, hasty, in_stream, run, servers, stream_holds};

/// Commits `count` events, and waits until the stream holds them and the cursor says so.
async fn published(db: &TestDb, nats: &TestNats, count: usize) -> Vec<String> {
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let relay = run(&outbox, &nats.url()).await;
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(commit(&outbox, &format!("c{n}")).await.unwrap());
    }
    stream_holds(&nats.client().await, &ids).await;
    relay.stop().await;
    ids
}

/// Makes every row old enough to be compared.
async fn let_a_while_pass(db: &TestDb) {
    sqlx::query("UPDATE mechanism.outbox SET created_at = created_at - interval '5 minutes'")
        .execute(&db.admin())
        .await
        .unwrap();
}

async fn lose(nats: &TestNats, up_to: u64, and: &[u64]) {
    let js = async_nats::jetstream::new(nats.client().await);
    let stream = js.get_stream(puente_bus::topology::EVENTS).await.unwrap();
    stream.purge().sequence(up_to + 1).await.unwrap();
    for sequence in and {
        stream.delete_message(*sequence).await.unwrap();
    }
}

async fn look(db: &TestDb, nats: &TestNats, scope: Scope) -> Result<Reconciled, ReconcileError> {
    let sources = [Source {
        service: SERVICE,
        pool: db.pool(SERVICE),
    }];
    let mut results = reconcile(&sources, &nats.client().await, scope, |_| {}).await?;
    Ok(results.remove(0))
}

fn counted(found: u64, missing: u64, republished: u64) -> Reconciled {
    Reconciled {
        service: SERVICE,
        found,
        missing,
        republished,
    }
}

const LOOK_ONLY: Scope = Scope {
    dry_run: true,
    since: None,
    slice: 1_000,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_lost_is_counted_and_brought_back_exactly_also_within_the_duplicate_window() {
    let (db, nats) = servers().await;
    let ids = published(&db, &nats, 60).await;
    let_a_while_pass(&db).await;
    lose(&nats, 20, &[31, 40, 60]).await;

    assert_eq!(look(&db, &nats, LOOK_ONLY).await.unwrap(), counted(37, 23, 0));
    let client = nats.client().await;
    assert_eq!(
        in_stream(&client).await.unwrap().len(),
        37,
        "looking changes nothing"
    );

    let repair = Scope::default();
    assert_eq!(look(&db, &nats, repair).await.unwrap(), counted(37, 23, 23));
    stream_holds(&client, &ids).await;
    assert_eq!(look(&db, &nats, repair).await.unwrap(), counted(60, 0, 0));

    // Lost once more: the id that names the first hole does not stand in the way of the second.
    lose(&nats, 40, &[]).await;
    let again = look(&db, &nats, repair).await.unwrap();
    assert!(
        again.missing > 0 && again.missing == again.republished,
        "{again:?}"
    );
    stream_holds(&client, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_larger_than_a_slice_is_compared_slice_by_slice_with_the_same_result() {
    let (db, nats) = servers().await;
    let ids = published(&db, &nats, 50).await;
    let_a_while_pass(&db).await;
    lose(&nats, 5, &[17, 18, 33, 50]).await;
    let small = Scope {
        slice: 7,
        ..Scope::default()
    };
    let looking = Scope {
        dry_run: true,
        ..small
    };
    assert_eq!(look(&db, &nats, looking).await.unwrap(), counted(41, 9, 0));
    assert_eq!(look(&db, &nats, small).await.unwrap(), counted(41, 9, 9));
    stream_holds(&nats.client().await, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_young_or_above_the_cursor_is_left_to_the_relay() {
    let (db, nats) = servers().await;
    published(&db, &nats, 5).await;
    lose(&nats, 5, &[]).await;
    assert_eq!(
        look(&db, &nats, Scope::default()).await.unwrap(),
        counted(0, 0, 0),
        "rows of this minute"
    );
    let_a_while_pass(&db).await;
    // A replica whose relay does not run: its cursor stands before what it commits.
    let silent = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    commit(&silent, "unpublished").await.unwrap();
    let_a_while_pass(&db).await;
    assert_eq!(look(&db, &nats, LOOK_ONLY).await.unwrap(), counted(0, 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_about_to_leave_the_stream_by_age_are_not_brought_back() {
    let (db, nats) = servers().await;
    published(&db, &nats, 4).await;
    lose(&nats, 4, &[]).await;
    sqlx::query("UPDATE mechanism.outbox SET created_at = now() - interval '30 days'")
        .execute(&db.admin())
        .await
        .unwrap();
    assert_eq!(
        look(&db, &nats, Scope::default()).await.unwrap(),
        counted(0, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_published_again_change_nothing_where_they_were_handled() {
    let (db, nats) = servers().await;
    table(&db).await;
    let ids = published(&db, &nats, 10).await;
    let stop = consumer(&db, &nats, Counting::default()).await;
    let all_seen = || async {
        let names = seen(&db).await;
        if names.len() == ids.len() {
            Ok(())
        } else {
            Err(names)
        }
    };
    wait_for("every event to be handled", PATIENCE, all_seen).await;
    let_a_while_pass(&db).await;
    lose(&nats, 6, &[]).await;
    assert_eq!(
        look(&db, &nats, Scope::default()).await.unwrap(),
        counted(4, 6, 6)
    );
    wait_for(
        "the consumer to have everything acknowledged",
        PATIENCE,
        || async {
            let js = async_nats::jetstream::new(nats.client().await);
            let stream = js
                .get_stream(puente_bus::topology::EVENTS)
                .await
                .map_err(|e| e.to_string())?;
            let consumer = stream
                .consumer_info("counting")
                .await
                .map_err(|e| e.to_string())?;
            if consumer.num_pending == 0
                && consumer.num_ack_pending == 0
                && consumer.delivered.stream_sequence == 16
            {
                Ok(())
            } else {
                Err(format!("{consumer:?}"))
            }
        },
    )
    .await;
    assert_eq!(seen(&db).await.len(), ids.len(), "handled once, delivered twice");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stream_there_is_nothing_to_compare_and_that_is_said() {
    let (db, nats) = servers().await;
    let refused = look(&db, &nats, Scope::default()).await.unwrap_err();
    assert!(matches!(refused, ReconcileError::NoStream), "{refused:?}");
}
