use puente_outbox::MIGRATIONS;
use puente_testkit::{Schema, TestDb};
use sqlx::migrate::Migrator;

use super::*;

const SERVICE: &str = "mechanism";
static OWN: Migrator = Migrator::DEFAULT;

/// 50,000 effects that wait: of one connection all are due, of the other all but three, which are spread over the
/// priorities.
async fn backlog() -> TestDb {
    let schema = Schema {
        service: SERVICE,
        common: &MIGRATIONS,
        own: &OWN,
    };
    let db = TestDb::new(&[schema]).await;
    sqlx::raw_sql(
        "INSERT INTO mechanism.effect_lanes (connection, tenant, provider)
         VALUES ('busy', 'algesta', 'sample'), ('calm', 'algesta', 'sample');
         INSERT INTO mechanism.effects (id, tenant, key, provider, connection, operation, subject_id, payload, priority,
                                        state, not_before)
         SELECT gen_random_uuid(), 'algesta', lane || n, 'sample', lane, 'messages.send', 's' || n, '{}', n % 3, 'due',
                now() + CASE WHEN lane = 'busy' OR n IN (10000, 20000, 24999) THEN -n ELSE n + 60 END * interval '1 second'
         FROM generate_series(1, 25000) AS n CROSS JOIN unnest(ARRAY['busy', 'calm']) AS lane;
         ANALYZE mechanism.effects",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    db
}

/// Rows of the table that this transaction has read.
async fn rows_read(database: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'effects'::regclass",
    )
    .fetch_one(database)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_claim_reads_what_it_takes_and_not_the_backlog() {
    let db = backlog().await;
    let pool = db.pool(SERVICE);
    for (lane, found) in [("busy", 8), ("calm", 3)] {
        let mut tx = pool.begin().await.unwrap();
        let ids = due(&mut tx, lane, 8).await.unwrap();
        assert_eq!(ids.len(), found);
        let read = rows_read(&mut tx).await;
        assert!(read < 100, "{lane}: {read} rows read");
        let keys: Vec<String> = sqlx::query_scalar(
            "SELECT key FROM effects JOIN unnest($1::uuid[]) WITH ORDINALITY AS o (id, n) USING (id) ORDER BY n",
        )
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        let first = match lane {
            "busy" => ["busy24999", "busy24996", "busy24993"],
            _ => ["calm24999", "calm10000", "calm20000"],
        };
        assert!(keys.starts_with(&first.map(str::to_owned)), "{keys:?}");
    }
}

#[tokio::test]
async fn a_look_at_the_lanes_reads_one_effect_of_each() {
    let db = backlog().await;
    let mut tx = db.pool(SERVICE).begin().await.unwrap();
    let lanes = lanes(&mut *tx).await.unwrap();
    let names: Vec<&str> = lanes.iter().map(|lane| lane.connection.as_str()).collect();
    assert_eq!(names, ["busy", "calm"], "the longest wait first");
    let read = rows_read(&mut tx).await;
    assert!(read < 100, "{read} rows read");
}
