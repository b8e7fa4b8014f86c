//! A database of one's own for each test.

use std::path::{Path, PathBuf};

use puente_embedded::{Login, PgOptions, Postgres};
use puente_service::{DatabaseConfig, Sources, db};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;
use uuid::Uuid;

use crate::binaries::tools;
use crate::shared_server;
use crate::template;

/// Enough for a service under test, little enough for many tests at a time.
const POOL: u32 = 8;
/// Longer than a connection takes on a busy machine: only tests of a database that is away want less.
const ACQUIRE_MS: u64 = 30_000;

/// No configuration, but services that wait for a connection as long as the pools of tests do. What a test sets wins.
#[must_use]
pub fn patient_sources() -> Sources {
    let name = "PUENTE_DATABASE__ACQUIRE_TIMEOUT_MS".to_owned();
    Sources {
        env: std::iter::once((name, ACQUIRE_MS.to_string())).collect(),
        ..Sources::default()
    }
}

/// One service's schema.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    /// The service: also the schema's name.
    pub service: &'a str,
    /// The tables of the mechanism.
    pub common: &'a Migrator,
    /// The service's own tables.
    pub own: &'a Migrator,
}

/// A database that nobody else uses. It is dropped with this value.
pub struct TestDb {
    name: String,
    url: String,
    private: Option<Private>,
}

/// A server for one test, to be crashed at will.
struct Private {
    server: Postgres,
    // After the server, which must have ended before its folder is deleted.
    folder: TempDir,
}

impl TestDb {
    /// A database with these services' schemas and roles, on the server that all tests share.
    pub async fn new(schemas: &[Schema<'_>]) -> Self {
        let name = format!("t_{}", Uuid::now_v7().simple());
        let server = shared_server::url().await;
        let url_of = |database: &str| format!("{server}/{database}");
        template::copy(&name, schemas, &url_of).await;
        Self {
            url: url_of(&name),
            name,
            private: None,
        }
    }

    /// A database without any schema.
    pub async fn empty() -> Self {
        Self::new(&[]).await
    }

    /// The same on a server of its own, which the test may stop and kill. Takes about a second to start.
    pub async fn private(schemas: &[Schema<'_>]) -> Self {
        let bin = tools().postgres().unwrap_or_else(|error| panic!("{error}"));
        Self::on_own_server(schemas, |data| PgOptions::for_tests(bin, data)).await
    }

    /// The same on a server with the settings that are shipped: what it confirmed survives a power loss. `bin` is the
    /// folder of its programs.
    pub async fn durable(schemas: &[Schema<'_>], bin: &Path) -> Self {
        let options = |data| PgOptions {
            login: Login::Trust,
            ..PgOptions::new(bin, data)
        };
        Self::on_own_server(schemas, options).await
    }

    async fn on_own_server(schemas: &[Schema<'_>], options: impl FnOnce(PathBuf) -> PgOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Postgres::start(options(folder.path().join("db"))).await;
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let name = format!("t_{}", Uuid::now_v7().simple());
        template::copy(&name, schemas, &|database| server.url(database)).await;
        Self {
            url: server.url(&name),
            name,
            private: Some(Private { server, folder }),
        }
    }

    /// The administrator's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As a service is configured for it.
    #[must_use]
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            max_connections: POOL,
            acquire_timeout_ms: ACQUIRE_MS,
            ..DatabaseConfig::at(&self.url)
        }
    }

    /// A pool as the service's worker has it.
    #[must_use]
    pub fn pool(&self, service: &str) -> PgPool {
        db::pool(&self.config(), service, Uuid::now_v7()).expect("a URL of ours")
    }

    /// A pool as what answers the service's callers has it: row policies apply.
    #[must_use]
    pub fn api_pool(&self, service: &str) -> PgPool {
        db::api_pool(&self.config(), service, Uuid::now_v7()).expect("a URL of ours")
    }

    /// Every row of every table as text, under the table's name. The servers that come as packages have no `pg_dump`.
    pub async fn dump(&self) -> String {
        let pool = self.admin();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
        )
        .fetch_all(&pool)
        .await
        .expect("the catalogue");
        let mut dump = String::new();
        for table in tables {
            let all = AssertSqlSafe(format!("SELECT row::text FROM {table} AS row"));
            let rows: Vec<String> = sqlx::query_scalar(all)
                .fetch_all(&pool)
                .await
                .unwrap_or_else(|error| panic!("{table}: {error}"));
            dump.extend([table.as_str(), "\n", &rows.join("\n"), "\n"]);
        }
        dump
    }

    /// A pool as the administrator, who sees everything; tables must be named with their schema.
    #[must_use]
    pub fn admin(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(POOL)
            .connect_lazy(&self.url)
            .expect("a URL of ours")
    }

    /// The process of the private server.
    ///
    /// # Panics
    /// On the shared server.
    #[must_use]
    pub fn server_pid(&self) -> u32 {
        let private = self.private.as_ref();
        private.expect("a server of its own").server.pid()
    }

    /// The folder that holds the private server's cluster and nothing else of ours.
    ///
    /// # Panics
    /// On the shared server.
    #[must_use]
    pub fn server_folder(&self) -> PathBuf {
        let private = self.private.as_ref();
        private.expect("a server of its own").folder.path().join("db/pg")
    }

    /// Stops the private server in order.
    ///
    /// # Panics
    /// On the shared server, as do the two below.
    pub async fn stop(&mut self) {
        self.server().stop().await;
    }

    /// Kills the private server without a word.
    ///
    /// # Panics
    /// On the shared server.
    pub async fn kill9(&mut self) {
        self.server().kill9().await;
    }

    /// Starts the private server anew on its port, with what was committed.
    ///
    /// # Panics
    /// On the shared server, or when it does not start.
    pub async fn start_again(&mut self) {
        self.server()
            .start_again()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    fn server(&mut self) -> &mut Postgres {
        let private = self.private.as_mut();
        &mut private
            .expect("only a database made by TestDb::private() has a server of its own")
            .server
    }
}

impl std::fmt::Debug for TestDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestDb")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.private.is_some() {
            return; // goes with its folder
        }
        let Some((server, _)) = self.url.rsplit_once('/') else {
            return;
        };
        let (server, name) = (format!("{server}/postgres"), self.name.clone());
        // A runtime and a thread of its own: this one may be inside a runtime that is ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut connection = shared_server::connect(&server).await;
                shared_server::drop_database(&mut connection, &name).await;
            });
        });
        let _ = dropping.join();
    }
}
