//! Whose turn it is, and what is not counted.

use puente_testkit::{Schema, TestDb};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::jobs::{self, New, Owner, Replay};
use super::part::Wanted;
use super::total;
use crate::domain::DeliveryFilter;

async fn database() -> TestDb {
    let schema = Schema {
        service: "ingress",
        common: &puente_outbox::MIGRATIONS,
        own: &crate::MIGRATIONS,
    };
    TestDb::new(&[schema]).await
}

async fn start(db: &TestDb, key: &str) -> Replay {
    let until = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
    let since = until - Duration::days(1);
    let wanted = Wanted {
        tenant: None,
        filter: DeliveryFilter {
            provider: None,
            connection: None,
            outcomes: Vec::new(),
            since: Some(since),
            until: Some(until),
            trace_id: None,
        },
        since,
        until,
    };
    let new = New {
        wanted: &wanted,
        requested_by: "ana",
        reason: "a test",
        key,
    };
    let mut connection = db.pool("ingress").acquire().await.unwrap();
    jobs::start(&mut connection, new).await.unwrap()
}

fn owner() -> Owner {
    Owner {
        id: Uuid::now_v7(),
        lease: Duration::minutes(1),
    }
}

#[tokio::test]
async fn a_replay_that_failed_lets_those_behind_it_go_first() {
    let db = database().await;
    let (first, second) = (start(&db, "first").await, start(&db, "second").await);
    let (pool, owner) = (db.pool("ingress"), owner());
    let mut connection = pool.acquire().await.unwrap();
    let mut claimed = async |failed: &[Uuid]| {
        jobs::claim(&mut connection, owner, failed)
            .await
            .unwrap()
            .map(|replay| replay.id)
    };
    assert_eq!(claimed(&[]).await, Some(first.id));
    assert_eq!(claimed(&[first.id]).await, Some(second.id));
    assert_eq!(claimed(&[first.id, second.id]).await, None);
    assert_eq!(claimed(&[]).await, Some(first.id), "its own, again");
}

#[tokio::test]
async fn a_replay_that_takes_too_long_to_count_has_no_total_and_is_no_failure() {
    let db = database().await;
    let replay = start(&db, "long").await;
    let (pool, owner) = (db.pool("ingress"), owner());
    let patience = std::time::Duration::from_millis(100);
    let mut held = db.admin().begin().await.unwrap();
    sqlx::query("LOCK TABLE ingress.deliveries IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let total = total::count(&pool, owner.id, &replay, patience).await.unwrap();
    assert_eq!(total, None);
    held.rollback().await.unwrap();
    let total = total::count(&pool, owner.id, &replay, total::PATIENCE)
        .await
        .unwrap();
    assert_eq!(total, Some(0));
}
