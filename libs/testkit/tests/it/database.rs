use puente_service::DatabaseConfig;
use puente_testkit::{Proxy, Schema, TestDb, wait_for};
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::PATIENCE;

static COMMON: Migrator = sqlx::migrate!("tests/it/common_tables");
static OWN: Migrator = sqlx::migrate!("tests/it/shop_tables");
const SHOP: Schema<'static> = Schema {
    service: "shop",
    common: &COMMON,
    own: &OWN,
};

/// A pool that soon gives up, so that an outage shows.
fn hasty(config: DatabaseConfig) -> PgPool {
    let config = DatabaseConfig {
        acquire_timeout_ms: 300,
        ..config
    };
    puente_service::db::pool(&config, "shop", uuid::Uuid::now_v7()).unwrap()
}

/// Adds the first thing. So little patience may not be enough for the first connection; without one nothing is added.
async fn add_first(pool: &PgPool) {
    wait_for("the first connection", PATIENCE, || add(pool)).await;
}

async fn things(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM things")
        .fetch_one(pool)
        .await
}

async fn add(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO things (name) VALUES ('x')")
        .execute(pool)
        .await
        .map(drop)
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = tokio::join!(TestDb::new(&[SHOP]), TestDb::new(&[SHOP]));
    add(&one.pool("shop")).await.unwrap();
    assert_eq!(things(&one.pool("shop")).await.unwrap(), 1);
    assert_eq!(things(&other.pool("shop")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_dropped_database_is_gone() {
    let stays = TestDb::empty().await;
    let goes = TestDb::empty().await;
    let name = goes.url().rsplit_once('/').unwrap().1.to_owned();
    let exists = "SELECT count(*) FROM pg_database WHERE datname = $1";
    let count = async || -> i64 {
        sqlx::query_scalar(exists)
            .bind(&name)
            .fetch_one(&stays.admin())
            .await
            .unwrap()
    };
    assert_eq!(count().await, 1);
    drop(goes);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn the_api_role_sees_only_its_tenant() {
    let db = TestDb::new(&[SHOP]).await;
    sqlx::query("INSERT INTO notes VALUES ('acme', 'a'), ('globex', 'b')")
        .execute(&db.pool("shop"))
        .await
        .unwrap();
    let mut seen = db.api_pool("shop").begin().await.unwrap();
    sqlx::query("SELECT set_config('puente.tenant', 'acme', true)")
        .execute(&mut *seen)
        .await
        .unwrap();
    let notes: Vec<String> = sqlx::query_scalar("SELECT note FROM notes")
        .fetch_all(&mut *seen)
        .await
        .unwrap();
    assert_eq!(notes, ["a"]);
}

#[tokio::test]
async fn neither_role_may_change_tables_or_see_another_schema() {
    let other = Schema {
        service: "depot",
        common: &OWN,
        own: &OWN,
    };
    let db = TestDb::new(&[
        SHOP,
        Schema {
            common: &Migrator::DEFAULT,
            ..other
        },
    ])
    .await;
    for pool in [db.pool("shop"), db.api_pool("shop")] {
        for refused in [
            "DROP TABLE things",
            "SELECT * FROM depot.things",
            "SELECT * FROM _sqlx_migrations",
            "CREATE TABLE t ()",
        ] {
            let error = sqlx::query(refused).execute(&pool).await.unwrap_err();
            let code = error.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{refused}: {error}");
        }
    }
}

#[tokio::test]
async fn a_killed_private_server_comes_back_with_what_was_committed() {
    let mut db = TestDb::private(&[SHOP]).await;
    let pool = hasty(db.config());
    add_first(&pool).await;
    db.kill9().await;
    assert!(things(&pool).await.is_err());
    db.start_again().await;
    let count = wait_for("the pool to reconnect", PATIENCE, || things(&pool)).await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_cut_connection_fails_and_a_mended_one_works() {
    let db = TestDb::new(&[SHOP]).await;
    let proxy = Proxy::to_url(db.url()).await;
    let mut config = db.config();
    config.url = puente_types::Secret::new(proxy.url(db.url()));
    let pool = hasty(config);
    add_first(&pool).await;
    proxy.cut();
    assert!(things(&pool).await.is_err());
    proxy.mend();
    let count = wait_for("the pool to reconnect", PATIENCE, || things(&pool)).await;
    assert_eq!(count, 1);
}
