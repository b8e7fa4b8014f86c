//! Template databases: migrated once per set of migrations, copied for each test.

use std::hash::{DefaultHasher, Hash, Hasher};

use puente_service::migrate::{Logins, migrate};
use puente_types::Secret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::postgres::Schema;
use crate::shared_server::{connect, drop_database};

/// Makes the database `name` with these schemas, copying a template that is made if it is missing.
///
/// `url_of` gives the administrator's URL of a database on the server in question.
pub(crate) async fn copy(name: &str, schemas: &[Schema<'_>], url_of: &impl Fn(&str) -> String) {
    let mut admin = connect(&url_of("postgres")).await;
    let hash = hash(schemas);
    let template = format!("tmpl_{hash:016x}");
    // One process makes it, the others wait.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(hash.cast_signed())
        .execute(&mut admin)
        .await
        .expect("an advisory lock");
    let made: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(&template)
        .fetch_one(&mut admin)
        .await
        .expect("the catalogue can be read");
    if !made {
        let unfinished = format!("{template}_new");
        drop_database(&mut admin, &unfinished).await;
        run(&mut admin, format!("CREATE DATABASE {unfinished}")).await;
        fill(&url_of(&unfinished), schemas).await;
        run(
            &mut admin,
            format!("ALTER DATABASE {unfinished} RENAME TO {template}"),
        )
        .await;
    }
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    admin
        .close()
        .await
        .expect("the connection closes, and the lock with it");
}

async fn fill(url: &str, schemas: &[Schema<'_>]) {
    for Schema { service, common, own } in schemas {
        migrate(&Secret::new(url), service, common, own, &Logins::default())
            .await
            .unwrap_or_else(|error| panic!("the schema of {service} cannot be made: {error}"));
    }
}

fn hash(schemas: &[Schema<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for Schema { service, common, own } in schemas {
        service.hash(&mut hasher);
        for migration in common.iter().chain(own.iter()) {
            migration.version.hash(&mut hasher);
            migration.checksum.hash(&mut hasher);
        }
    }
    hasher.finish()
}

async fn run(connection: &mut PgConnection, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
