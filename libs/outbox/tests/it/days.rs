//! Days that nobody made in time.

use puente_outbox::Outbox;
use puente_testkit::TestDb;

use crate::support::{SERVICE, commit, database, hasty};

/// Drops every day of these tables, as if the service had been off for longer than days are made ahead.
async fn lose_days(db: &TestDb, tables: &[&str]) {
    let days: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'mechanism' AND c.relkind = 'r' AND c.relname ~ ('^(' || array_to_string($1, '|') || ')_p[0-9]{8}$')",
    )
    .bind(tables)
    .fetch_all(&db.admin())
    .await
    .unwrap();
    for day in days {
        let statement = format!("DROP TABLE {day}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&db.admin())
            .await
            .unwrap();
    }
}

async fn count(db: &TestDb, question: &'static str) -> i64 {
    sqlx::query_scalar(question).fetch_one(&db.admin()).await.unwrap()
}

async fn days(db: &TestDb, table: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_inherits WHERE inhparent = ('mechanism.' || $1)::regclass")
        .bind(table)
        .fetch_one(&db.admin())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_days_that_nobody_made_come_out_of_the_rest_and_none_is_lost_or_doubled() {
    let db = database().await;
    lose_days(&db, &["outbox", "inbox"]).await;
    sqlx::query(
        "INSERT INTO mechanism.outbox (slot, id, tenant, type, aggregate_id, payload, created_at)
         SELECT 1, mechanism.uuid_floor(now()), 't', 'x', n::text, '', now() + n * interval '6 hours'
         FROM generate_series(-8, 8) AS n",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO mechanism.inbox (event_id, consumer)
         SELECT mechanism.uuid_floor(now() + n * interval '6 hours'), 'c' FROM generate_series(-8, 8) AS n",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM mechanism.outbox_rest").await, 17);

    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    commit(&outbox, "afterwards").await.unwrap();
    for (rest, whole, rows) in [
        (
            "SELECT count(*) FROM mechanism.outbox_rest",
            "SELECT count(DISTINCT seq) FROM mechanism.outbox",
            18,
        ),
        (
            "SELECT count(*) FROM mechanism.inbox_rest",
            "SELECT count(*) FROM mechanism.inbox",
            17,
        ),
    ] {
        assert_eq!((count(&db, rest).await, count(&db, whole).await), (0, rows));
    }
    let again = "INSERT INTO mechanism.inbox SELECT * FROM mechanism.inbox ON CONFLICT DO NOTHING";
    let again = sqlx::query(again).execute(&db.admin()).await.unwrap();
    assert_eq!(again.rows_affected(), 0, "an event stays marked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_being_read_gets_its_days_later_and_holds_up_neither_others_nor_commits() {
    let db = database().await;
    lose_days(&db, &["outbox", "inbox"]).await;
    let mut reading = db.admin().begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM mechanism.outbox")
        .execute(&mut *reading)
        .await
        .unwrap();
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    commit(&outbox, "meanwhile").await.unwrap();
    // The rest and eight days.
    assert_eq!((days(&db, "outbox").await, days(&db, "inbox").await), (1, 9));

    reading.rollback().await.unwrap();
    Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    assert_eq!(days(&db, "outbox").await, 9);
    assert_eq!(count(&db, "SELECT count(*) FROM mechanism.outbox_rest").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_past_retention_are_dropped_and_no_others() {
    let db = database().await;
    for day in ["now() - interval '33 days'", "now() - interval '29 days'"] {
        let statement = format!("SELECT mechanism.make_day('outbox', ({day})::date)");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&db.admin())
            .await
            .unwrap();
    }
    assert_eq!(days(&db, "outbox").await, 11);
    Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    assert_eq!(days(&db, "outbox").await, 10);
}
