use puente_service::migrate::{Logins, migrate};
use puente_testkit::TestDb;
use puente_types::Secret;
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

static EMPTY: Migrator = Migrator::DEFAULT;

#[tokio::test]
async fn migrating_twice_and_at_once_is_harmless() {
    let db = TestDb::empty().await;
    let url = Secret::new(db.url());
    let logins = Logins::default();
    let once = || migrate(&url, "harbour", &EMPTY, &EMPTY, &logins);
    let (a, b, c) = tokio::join!(once(), once(), once());
    for done in [a, b, c, once().await] {
        done.unwrap();
    }
    let schemas: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'harbour'")
        .fetch_one(&db.admin())
        .await
        .unwrap();
    assert_eq!(schemas, 1);
}

#[tokio::test]
async fn the_login_roles_log_in_and_are_no_administrators() {
    let db = TestDb::private(&[]).await;
    let logins = Logins {
        worker: Some(Secret::new("it's secret")),
        api: None,
    };
    migrate(&Secret::new(db.url()), "quay", &EMPTY, &EMPTY, &logins)
        .await
        .unwrap();
    let url = db.url().replace("puente@", "quay_worker@");
    let mut worker = PgConnection::connect(&url).await.unwrap();
    let powerful: bool = sqlx::query_scalar(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut worker)
    .await
    .unwrap();
    assert!(!powerful);
    let has_password: bool =
        sqlx::query_scalar("SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'quay_worker'")
            .fetch_one(&db.admin())
            .await
            .unwrap();
    assert!(has_password);
}

#[tokio::test]
async fn a_name_that_is_not_plain_is_refused() {
    let url = Secret::new("postgres://nobody@127.0.0.1:1/x");
    for name in ["", "Shop", "shop; drop", "1shop", "shop-a"] {
        let error = migrate(&url, name, &EMPTY, &EMPTY, &Logins::default())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("lower-case"), "{name:?}: {error}");
    }
}
