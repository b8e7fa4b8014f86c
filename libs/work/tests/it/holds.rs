//! Holds: renewed, taken over, lost, ended.

use std::time::Duration;

use puente_testkit::wait_for;
use puente_work::Limits;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{PATIENCE, Stage, limits, replica};

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_renewed_while_work_lasts_and_ends_with_it() {
    let stage = Stage::set(1).await;
    // Long enough that a machine which stands still for a while loses no hold by it.
    let lease = 2_500;
    stage.replica(limits(lease));
    stage
        .becomes("work to begin", |told| told.begun.contains_key(&1))
        .await;
    let (first, holder) = stage.held(1).await;
    // Another replica would take it as soon as a hold ran out.
    stage.replica(limits(lease));
    let later = first.unwrap() + Duration::from_millis(lease);
    wait_for("renewals to outlast a hold", PATIENCE, async || {
        let held = stage.held(1).await;
        (held.0 > Some(later)).then_some(()).ok_or(held)
    })
    .await;
    assert_eq!(stage.held(1).await.1, holder);
    stage.gate.add_permits(1);
    stage.let_go(1).await;
    stage.told(|told| assert_eq!((told.begun[&1], told.done[&1]), (1, 1), "{told:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_short_parts_are_held_as_one() {
    let stage = Stage::set(1).await;
    let lease = 2_500;
    // More than there is time for while the test hands them out.
    let parts = 10_000;
    replica(stage.job().in_parts(parts), limits(lease));
    stage
        .becomes("work to begin", |told| told.begun.contains_key(&1))
        .await;
    // Comes later, so that the row is not its own from the beginning.
    stage.replica(limits(lease));
    let (first, holder) = stage.held(1).await;
    // Parts of a few milliseconds, over several renewals.
    let later = first.unwrap() + Duration::from_millis(lease / 2);
    let mut part = 0;
    let still = loop {
        let (last, still) = stage.held(1).await;
        if still != holder || last > Some(later) {
            break still;
        }
        part += 1;
        stage.gate.add_permits(1);
        stage.becomes("the next part", |told| told.begun[&1] > part).await;
    };
    assert_eq!(still, holder);
    stage.gate.add_permits(parts);
    stage.let_go(1).await;
    stage.told(|told| assert_eq!((told.begun[&1], &told.twice), (parts, &Vec::new())));
}

#[test]
fn the_work_of_a_replica_that_died_is_taken_over_when_its_hold_ends() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (survivor, dying) = (runtime(), runtime());
    survivor.block_on(async {
        let stage = Stage::set(1).await;
        let lease = 1_500;
        {
            let _inside = dying.enter();
            stage.replica(limits(lease));
        }
        stage
            .becomes("work to begin", |told| told.begun.contains_key(&1))
            .await;
        let (_, first) = stage.held(1).await;
        // All its tasks end where they stand, as those of a process that is killed.
        dying.shutdown_background();
        stage.replica(limits(30_000));
        stage
            .becomes("another to begin", |told| told.begun[&1] == 2)
            .await;
        let taken_at = OffsetDateTime::now_utc();
        let (until, second) = stage.held(1).await;
        assert_ne!(first, second);
        assert!(until.unwrap() > taken_at - Duration::from_millis(lease));
        stage.gate.add_permits(1);
        stage.let_go(1).await;
        stage.told(|told| assert_eq!((told.done[&1], &told.twice), (1, &Vec::new())));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_takes_longer_than_it_may_is_given_up() {
    let stage = Stage::set(1).await;
    let limits = Limits {
        longest: Duration::from_millis(300),
        ..limits(10_000)
    };
    stage.replica(limits);
    stage.becomes("the failure", |told| told.failed.len() == 1).await;
    stage.let_go(1).await;
    stage.told(|told| {
        assert_eq!(told.failed, ["1: TooLong"]);
        assert_eq!((told.now[&1], told.done.get(&1)), (0, None));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_its_hold_drops_its_work_and_leaves_the_other_ones_hold() {
    let stage = Stage::set(1).await;
    stage.replica(limits(300));
    stage
        .becomes("work to begin", |told| told.begun.contains_key(&1))
        .await;
    let other = (OffsetDateTime::now_utc() + PATIENCE, Uuid::now_v7());
    sqlx::query("UPDATE work SET held_until = $1, held_by = $2")
        .bind(other.0)
        .bind(other.1)
        .execute(&stage.pool)
        .await
        .unwrap();
    stage
        .becomes("the work to be dropped", |told| told.now[&1] == 0)
        .await;
    assert_eq!(stage.held(1).await.1, Some(other.1));
    stage.told(|told| assert!(told.failed.is_empty() && told.done.is_empty(), "{told:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_locks_its_own_row_keeps_its_hold() {
    let stage = Stage::set(1).await;
    replica(stage.job().locking(), limits(4_000));
    stage
        .becomes("work to begin", |told| told.begun.contains_key(&1))
        .await;
    // A renewal waits for the lock meanwhile, and nothing waits for the renewal.
    wait_for("a renewal that waits", PATIENCE, async || {
        // The server is shared: locks of other tests do not count.
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE NOT granted AND datname = current_database()",
        )
        .fetch_one(&stage.pool)
        .await
        .unwrap();
        (waiting > 0).then_some(()).ok_or(waiting)
    })
    .await;
    stage.gate.add_permits(1);
    stage.let_go(1).await;
    stage.told(|told| assert_eq!((told.begun[&1], told.done[&1]), (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_never_work_on_one_row_and_all_rows_are_done() {
    const ROWS: i32 = 60;
    let stage = Stage::set(ROWS).await;
    for _ in 0..4 {
        stage.replica(limits(30_000));
    }
    stage.gate.add_permits(usize::try_from(ROWS).unwrap());
    stage.becomes("all rows", |told| told.done.len() == 60).await;
    stage.told(|told| {
        assert_eq!(told.twice, Vec::<i32>::new());
        assert!(
            told.begun
                .values()
                .chain(told.done.values())
                .all(|times| *times == 1),
            "{told:?}"
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_finishes_what_it_began_and_takes_up_nothing_more() {
    let stage = Stage::set(5).await;
    let stop = stage.replica(limits(30_000));
    stage.becomes("four to begin", |told| told.begun.len() == 4).await;
    stop.cancel();
    stage.gate.add_permits(5);
    stage.becomes("four to end", |told| told.done.len() == 4).await;
    for id in 1..=4 {
        stage.let_go(id).await;
    }
    stage.told(|told| assert!(!told.begun.contains_key(&5), "{told:?}"));
}
