//! Bringing a database to the state a service needs: its schema, its roles, the tables of the mechanism
//! (outbox, inbox, effects …) and the service's own tables.
//!
//! Three roles a service. `<service>_owner` cannot log in and owns the schema; migrations run as it, and so do
//! functions that make and drop partitions (`SECURITY DEFINER`). `<service>_worker` and `<service>_api` log in,
//! read and write rows, own nothing, and see no other schema. The owner is a member of the worker's role, so
//! that row policies written for the worker let a migration reach all rows. Every step may be repeated, and
//! several programs may do it at once.

use puente_types::Secret;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use uuid::Uuid;

use crate::db::{Role, connect_options};

/// One lock for all services of a database: roles and grants of one must not cross those of another.
const LOCK: i64 = 0x7075_656e_7465; // "puente"
/// Where the mechanism's migrations are noted; the service's own are in sqlx's usual table.
const COMMON_TABLE: &str = "_sqlx_migrations_common";
const OWN_TABLE: &str = "_sqlx_migrations";
/// Servers shared by several databases may change the same role at once; the loser tries again.
const ROLE_ATTEMPTS: usize = 5;

/// Passwords for the login roles. Without one a role's password is left as it is.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// For `<service>_worker`.
    pub worker: Option<Secret>,
    /// For `<service>_api`.
    pub api: Option<Secret>,
}

/// Migrates one service's schema. `common` are the tables of the mechanism, `own` the service's.
///
/// # Errors
/// When the login may not do it, or a migration fails or was changed after it ran.
pub async fn migrate(
    admin_url: &Secret,
    service: &str,
    common: &Migrator,
    own: &Migrator,
    logins: &Logins,
) -> Result<(), MigrateError> {
    if !is_plain_name(service) {
        return Err(sqlx::Error::Configuration(
            "a service's name must be lower-case letters, digits and _".into(),
        )
        .into());
    }
    let options = connect_options(admin_url, service, Uuid::now_v7())?;
    let mut connection = options.connect().await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await?;
    // The lock ends with the connection, also when a step fails.
    make_roles(&mut connection, service, logins).await?;
    make_schema(&mut connection, service).await?;
    run(&mut connection, format!("SET ROLE {service}_owner")).await?;
    in_table(common, COMMON_TABLE)
        .run_direct(None, &mut connection, false)
        .await?;
    in_table(own, OWN_TABLE)
        .run_direct(None, &mut connection, false)
        .await?;
    let (worker, api) = (Role::Worker.of(service), Role::Api.of(service));
    let tables = format!("{COMMON_TABLE}, {OWN_TABLE}");
    run(
        &mut connection,
        format!("REVOKE ALL ON {tables} FROM {worker}, {api}"),
    )
    .await?;
    connection.close().await?;
    Ok(())
}

fn is_plain_name(service: &str) -> bool {
    let mut bytes = service.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && service.len() <= 40
}

async fn make_roles(
    connection: &mut PgConnection,
    service: &str,
    logins: &Logins,
) -> Result<(), sqlx::Error> {
    let mut attempt = 1;
    loop {
        match try_make_roles(connection, service, logins).await {
            Err(sqlx::Error::Database(error)) if attempt < ROLE_ATTEMPTS && is_race(&*error) => attempt += 1,
            done => return done,
        }
    }
}

/// Unique violation, duplicate object, tuple concurrently updated: another program did the same just now.
fn is_race(error: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(error.code().as_deref(), Some("23505" | "42710" | "XX000"))
}

async fn try_make_roles(
    connection: &mut PgConnection,
    service: &str,
    logins: &Logins,
) -> Result<(), sqlx::Error> {
    let superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut *connection)
        .await?;
    let (owner, worker, api) = (
        format!("{service}_owner"),
        Role::Worker.of(service),
        Role::Api.of(service),
    );
    for (role, login, password) in [
        (&worker, "LOGIN", &logins.worker),
        (&api, "LOGIN", &logins.api),
        (&owner, "NOLOGIN", &None),
    ] {
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            run(
                connection,
                format!("CREATE ROLE {role} {login} NOCREATEDB NOCREATEROLE"),
            )
            .await?;
        }
        if let Some(password) = password {
            let statement: String = sqlx::query_scalar("SELECT format('ALTER ROLE %I PASSWORD %L', $1, $2)")
                .bind(role)
                .bind(password.expose())
                .fetch_one(&mut *connection)
                .await?;
            run(connection, statement).await?;
        }
        // Without membership the administrator could not act as the role; a superuser always can.
        if !superuser {
            run(connection, format!("GRANT {role} TO CURRENT_USER")).await?;
        }
    }
    let member: bool = sqlx::query_scalar("SELECT pg_has_role($1, $2, 'USAGE')")
        .bind(&owner)
        .bind(&worker)
        .fetch_one(&mut *connection)
        .await?;
    if !member {
        run(connection, format!("GRANT {worker} TO {owner}")).await?;
    }
    Ok(())
}

async fn make_schema(connection: &mut PgConnection, service: &str) -> Result<(), sqlx::Error> {
    let (worker, api) = (Role::Worker.of(service), Role::Api.of(service));
    let defaults = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {service}_owner IN SCHEMA {service} GRANT");
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS {service}"),
        format!("ALTER SCHEMA {service} OWNER TO {service}_owner"),
        format!("REVOKE ALL ON SCHEMA {service} FROM PUBLIC"),
        format!("GRANT USAGE ON SCHEMA {service} TO {worker}, {api}"),
        format!("{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {worker}, {api}"),
        format!("{defaults} USAGE, SELECT ON SEQUENCES TO {worker}, {api}"),
    ] {
        run(connection, statement).await?;
    }
    Ok(())
}

fn in_table(migrator: &Migrator, table: &'static str) -> Migrator {
    let mut migrator = Migrator::with_migrations(migrator.migrations.to_vec());
    migrator.dangerous_set_table_name(table);
    migrator
}

/// Runs a statement made of names that were checked to be plain.
async fn run(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}
