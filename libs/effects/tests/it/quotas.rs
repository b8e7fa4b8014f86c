//! A quota holds in every rolling window, over replicas and their deaths, and is used while work waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use puente_ports::Recovery;
use puente_testkit::wait_for;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::support::{PATIENCE, Script, add, database, effect, runner};

const CALLS: usize = 40;
const WINDOW: Duration = Duration::from_secs(4);
/// Windows that are watched.
const WATCHED: u32 = 3;
/// Longer than a look at the clock and at the database takes.
const BEAT: Duration = Duration::from_millis(100);

/// Counts the time in which this process, or the database, did not get to run: nobody can use a quota then.
async fn count_lost(pool: PgPool, lost: Arc<Mutex<Duration>>) {
    loop {
        let began = Instant::now();
        tokio::time::sleep(BEAT / 10).await;
        if sqlx::query("SELECT 1").execute(&pool).await.is_err() {
            return; // the test is over, and its database gone
        }
        *lost.lock().unwrap() += began.elapsed().saturating_sub(BEAT);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_rolling_window_sees_more_than_the_quota_although_two_replicas_work_and_one_dies() {
    let db = database().await;
    let lost = Arc::new(Mutex::new(Duration::ZERO));
    tokio::spawn(count_lost(db.admin(), lost.clone()));
    let script = Script::new(Recovery::Unsure, []);
    let quota = format!("{CALLS}/{}", WINDOW.as_millis());
    let survivor = runner(&db, &script, Some(&quota)).await;
    add(
        &survivor.outbox,
        (0..CALLS * 8).map(|n| effect(&format!("e{n:03}"))),
    )
    .await;

    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    tokio::task::block_in_place(|| {
        doomed.block_on(async {
            let other = runner(&db, &script, Some(&quota)).await;
            wait_for("one window and a half", WINDOW * 4, || async {
                script.calls().len() > CALLS * 3 / 2
            })
            .await;
            std::mem::forget(other);
        });
    });
    doomed.shutdown_background();

    let first = script.journal.lock().unwrap()[0].1;
    let watched = || WINDOW * WATCHED + *lost.lock().unwrap();
    wait_for("the windows to pass", PATIENCE, || async {
        first.elapsed() >= watched()
    })
    .await;
    let watched = watched();
    survivor.stop().await;

    let mut times: Vec<_> = script.journal.lock().unwrap().iter().map(|(_, at)| *at).collect();
    times.sort();
    for (at, begin) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|t| **t - *begin < WINDOW).count();
        assert!(
            within <= CALLS,
            "{within} calls in the window that begins with call {at}"
        );
    }
    let used = times.iter().filter(|t| **t - first < watched).count();
    let most = CALLS * WATCHED as usize;
    println!("{used} of {most} calls used");
    // The exact figure belongs to the benchmarks; that the quota is not left idle is behaviour.
    assert!(used * 10 >= most * 9, "{used} of {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_limit_takes_hold_without_a_restart_of_the_rest() {
    let db = database().await;
    let script = Script::new(Recovery::Unsure, []);
    let slow = runner(&db, &script, Some("2/60000")).await;
    add(&slow.outbox, (0..10).map(|n| effect(&format!("e{n}")))).await;
    wait_for(
        "the two calls that are allowed",
        Duration::from_secs(20),
        || async { script.calls().len() == 2 },
    )
    .await;
    slow.stop().await;
    let fast = runner(&db, &script, Some("10/60000")).await;
    wait_for(
        "the eight more that the new limit allows",
        Duration::from_secs(20),
        || async { script.calls().len() == 10 },
    )
    .await;
    fast.stop().await;
}
