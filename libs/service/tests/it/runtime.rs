use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use puente_service::{BoxError, Runtime};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_failed_task_stops_the_service_and_the_first_reason_is_kept() {
    let runtime = Runtime::new("shop");
    let told = runtime.shutdown.clone();
    runtime.spawn("second", async move {
        told.cancelled().await;
        Err(std::io::Error::other("a consequence"))
    });
    runtime.spawn("first", async { Err(std::io::Error::other("the cause")) });
    runtime.shutdown.cancelled().await;
    runtime.drain(PATIENCE).await.unwrap();
    let failure = runtime.failure().unwrap();
    assert_eq!((failure.task, failure.reason.as_str()), ("first", "the cause"));
}

#[tokio::test]
async fn a_panic_stops_the_service_like_an_error() {
    let runtime = Runtime::new("shop");
    runtime.spawn("batcher", async {
        if true {
            panic!("torn");
        }
        Ok::<(), BoxError>(())
    });
    runtime.shutdown.cancelled().await;
    assert_eq!(
        runtime.failure().unwrap().to_string(),
        "task `batcher` of shop panicked: torn"
    );
}

#[tokio::test]
async fn a_task_that_finishes_stops_nothing() {
    let runtime = Runtime::new("shop");
    runtime.spawn("once", async { Ok::<(), BoxError>(()) });
    runtime.tasks.close();
    runtime.tasks.wait().await;
    assert!(!runtime.shutdown.is_cancelled() && runtime.failure().is_none());
}

#[tokio::test]
async fn draining_waits_for_what_was_begun() {
    let runtime = Runtime::new("shop");
    let finished = Arc::new(AtomicBool::new(false));
    let (told, done) = (runtime.shutdown.clone(), Arc::clone(&finished));
    runtime.spawn("worker", async move {
        told.cancelled().await;
        tokio::task::yield_now().await;
        done.store(true, Ordering::Relaxed);
        Ok::<(), BoxError>(())
    });
    runtime.drain(PATIENCE).await.unwrap();
    assert!(finished.load(Ordering::Relaxed));
}

#[tokio::test]
async fn what_does_not_end_is_named_at_the_deadline() {
    let runtime = Runtime::new("shop");
    runtime.spawn("stubborn", std::future::pending::<Result<(), BoxError>>());
    let error = runtime.drain(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.to_string(), "still running after 20ms: stubborn");
}

#[tokio::test]
async fn a_child_stops_alone_and_a_failing_child_stops_all() {
    let fleet = Runtime::new("fleet");
    let (shop, depot) = (fleet.child("shop"), fleet.child("depot"));
    assert_ne!(shop.replica, depot.replica);
    shop.drain(PATIENCE).await.unwrap();
    assert!(!depot.shutdown.is_cancelled() && !fleet.shutdown.is_cancelled());

    depot.spawn("relay", async { Err(std::io::Error::other("gone")) });
    fleet.shutdown.cancelled().await;
    assert_eq!(fleet.failure().unwrap().service.as_ref(), "depot");
}

#[tokio::test]
async fn stopping_the_fleet_waits_for_tasks_of_children() {
    let fleet = Runtime::new("fleet");
    let child = fleet.child("shop");
    let told = child.shutdown.clone();
    child.spawn("worker", async move {
        told.cancelled().await;
        Ok::<(), BoxError>(())
    });
    fleet.drain(PATIENCE).await.unwrap();
    assert!(child.tasks.is_empty());
}

#[tokio::test]
async fn a_pause_ends_early_when_the_service_stops() {
    let runtime = Runtime::new("shop");
    assert!(runtime.pause(Duration::from_millis(1)).await);
    runtime.shutdown.cancel();
    assert!(!runtime.pause(Duration::from_secs(3600)).await);
}
