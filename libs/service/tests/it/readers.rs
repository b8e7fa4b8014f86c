//! How much a caller's transaction sees.

use puente_service::Readers;
use puente_testkit::{Schema, TestDb};
use puente_types::TenantId;
use sqlx::migrate::Migrator;
use sqlx::{Postgres, Transaction};

static COMMON: Migrator = Migrator::DEFAULT;
static OWN: Migrator = Migrator::DEFAULT;

/// A schema with notes of two tenants, protected as every table with a tenant is.
async fn notes() -> (TestDb, Readers) {
    let db = TestDb::new(&[Schema {
        service: "pier",
        common: &COMMON,
        own: &OWN,
    }])
    .await;
    sqlx::raw_sql(
        "CREATE TABLE pier.notes (tenant text, note text);
         GRANT ALL ON pier.notes TO pier_api, pier_worker;
         ALTER TABLE pier.notes ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON pier.notes TO pier_api USING (tenant = current_setting('puente.tenant', true));
         CREATE POLICY every ON pier.notes TO pier_worker USING (true);
         INSERT INTO pier.notes VALUES ('acme', 'a'), ('norte', 'n')",
    )
    .execute(&db.admin())
    .await
    .unwrap();
    let readers = Readers::new(db.api_pool("pier"), db.pool("pier"));
    (db, readers)
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

async fn read(tx: &mut Transaction<'static, Postgres>) -> Vec<String> {
    sqlx::query_scalar("SELECT note FROM notes ORDER BY note")
        .fetch_all(&mut **tx)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_tenants_transaction_sees_that_tenants_rows_and_the_installations_all() {
    let (_db, readers) = notes().await;
    let mut tx = readers.begin(Some(&acme())).await.unwrap();
    assert_eq!(read(&mut tx).await, ["a"]);
    drop(tx);
    let nobody = "nobody".parse().unwrap();
    let mut tx = readers.begin(Some(&nobody)).await.unwrap();
    assert!(
        read(&mut tx).await.is_empty(),
        "the tenant before has left nothing behind"
    );
    assert_eq!(read(&mut readers.begin(None).await.unwrap()).await, ["a", "n"]);
}

#[tokio::test]
async fn a_reading_transaction_changes_nothing_and_a_writing_one_nobody_elses_rows() {
    let (_db, readers) = notes().await;
    for tenant in [Some(acme()), None] {
        let mut tx = readers.begin(tenant.as_ref()).await.unwrap();
        let refused = sqlx::query("UPDATE notes SET note = 'x'").execute(&mut *tx).await;
        assert!(refused.unwrap_err().to_string().contains("read-only"));
    }
    let mut tx = readers.begin_write(Some(&acme())).await.unwrap();
    let changed = sqlx::query("UPDATE notes SET note = 'x'")
        .execute(&mut *tx)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    let foreign = sqlx::query("INSERT INTO notes VALUES ('norte', 'y')")
        .execute(&mut *tx)
        .await;
    assert!(foreign.is_err(), "nor is one written for another tenant");
}

#[tokio::test]
async fn all_questions_of_a_reading_transaction_see_the_same_moment() {
    let (_db, readers) = notes().await;
    let mut tx = readers.begin(Some(&acme())).await.unwrap();
    assert_eq!(read(&mut tx).await, ["a"]);
    let mut other = readers.begin_write(Some(&acme())).await.unwrap();
    sqlx::query("INSERT INTO notes VALUES ('acme', 'b')")
        .execute(&mut *other)
        .await
        .unwrap();
    other.commit().await.unwrap();
    assert_eq!(read(&mut tx).await, ["a"]);
    assert_eq!(
        read(&mut readers.begin(Some(&acme())).await.unwrap()).await,
        ["a", "b"]
    );
}
