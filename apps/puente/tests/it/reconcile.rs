//! `puente reconcile` against a stream that lost an event.

use puente_bus::StreamSettings;
use puente_proto::Event as _;
use puente_proto::orders::ClientRegistered;
use puente_testkit::{TestDb, TestNats};
use sqlx::AssertSqlSafe;

use crate::command::{Ran, folder, puente};

#[test]
fn without_servers_the_variable_to_set_is_told() {
    let ran = puente(folder().path(), &[], &["reconcile"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("DATABASE_URL"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_lost_is_counted_then_published_again_and_then_there() {
    let (db, nats) = tokio::join!(TestDb::empty(), TestNats::start());
    let (home, url) = (folder(), nats.url());
    let env = [("DATABASE_URL", db.url()), ("NATS_URL", url.as_str())];
    let run = |arguments: &[&str]| -> Ran { puente(home.path(), &env, arguments) };
    let migrated = run(&["migrate", "orders"]);
    assert_eq!(migrated.code, 0, "{}", migrated.err);

    let early = run(&["reconcile", "orders"]);
    assert_eq!(early.code, 1, "{}", early.out);
    assert!(early.err.contains("no event stream"), "{}", early.err);

    puente_bus::declare(&nats.client().await, StreamSettings::default())
        .await
        .unwrap();
    // As a replica leaves it that published and gave its slot back.
    let row = format!(
        "INSERT INTO orders.outbox (slot, id, tenant, type, aggregate_id, payload, created_at)
         VALUES (1, '{}', 'algesta', '{}', 'c-1', '', now() - interval '5 minutes')",
        uuid::Uuid::now_v7(),
        ClientRegistered::TYPE.name
    );
    sqlx::query(AssertSqlSafe(row))
        .execute(&db.admin())
        .await
        .unwrap();
    for (arguments, counts) in [
        (&["reconcile", "orders", "--json", "--dry-run"][..], (0, 1, 0)),
        (&["reconcile", "orders", "--json"], (0, 1, 1)),
        (&["reconcile", "orders", "--json"], (1, 0, 0)),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let one = &told["services"][0];
        let count = |key: &str| one[key].as_u64().unwrap();
        assert_eq!(
            (count("found"), count("missing"), count("republished")),
            counts,
            "{told}"
        );
    }
    let shown = run(&["reconcile", "orders"]);
    assert!(shown.out.contains("holds every event"), "{}", shown.out);
}
