//! A private broker whose disk can be lost, and a private database with the table of copies.
#![expect(
    clippy::disallowed_methods,
    reason = "tests find the machine's servers through the environment"
)]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgPool};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A JetStream server of the test's own; gone when dropped.
pub(crate) struct Broker {
    dir: TempDir,
    port: u16,
    child: Child,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = spawn(&dir, "-1");
        let ports = dir
            .path()
            .join(format!("nats-server_{}.ports", child.id().unwrap()));
        let port = until("the broker tells its port", || {
            let text = std::fs::read_to_string(&ports).ok()?;
            let json: serde_json::Value = serde_json::from_str(&text).ok()?;
            json["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
        })
        .await;
        Self { dir, port, child }
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }

    /// A client that does not mind that the broker is away.
    pub(crate) async fn client_that_waits(&self) -> async_nats::Client {
        async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .connect(self.url())
            .await
            .unwrap()
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Comes back on the same port with an empty disk.
    pub(crate) async fn wipe_and_restart(&mut self) {
        self.child.kill().await.unwrap();
        self.dir = tempfile::tempdir().unwrap();
        self.child = spawn(&self.dir, &self.port.to_string());
        let ports = self
            .dir
            .path()
            .join(format!("nats-server_{}.ports", self.child.id().unwrap()));
        until("the broker is back", || {
            std::fs::read_to_string(&ports).ok().filter(|t| !t.is_empty())
        })
        .await;
    }
}

fn spawn(dir: &TempDir, port: &str) -> Child {
    let program = std::env::var("PUENTE_NATS_BIN").unwrap_or_else(|_| "nats-server".to_owned());
    Command::new(program)
        .args(["-a", "127.0.0.1", "-js", "-p", port, "-sd"])
        .arg(dir.path().join("data"))
        .arg("--ports_file_dir")
        .arg(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nats-server is found through PUENTE_NATS_BIN or PATH")
}

/// A database of the test's own; gone when dropped.
pub(crate) struct Db {
    pub(crate) pool: PgPool,
    name: String,
    admin: PgConnectOptions,
}

impl Db {
    pub(crate) async fn start() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a PostgreSQL server for tests");
        let admin: PgConnectOptions = url.parse().unwrap();
        let name = format!(
            "vault_{:016x}",
            std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0)
        );
        let mut connection = admin.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let options = admin.clone().database(&name);
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA orders; {}", table())))
            .execute(&pool)
            .await
            .unwrap();
        Self { pool, name, admin }
    }
}

impl Drop for Db {
    /// On a thread of its own: the test's runtime may be ending.
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = admin.connect().await.unwrap();
                let statement = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            });
        });
        assert!(
            gone.join().is_ok() || std::thread::panicking(),
            "the test's database is dropped"
        );
    }
}

/// The table as the migrations make it.
fn table() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations/common/0001_mechanism.sql");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("CREATE TABLE connection_copies").unwrap();
    let (columns, _) = rest.split_once(");\n").unwrap();
    format!("CREATE TABLE connection_copies{columns});")
}

/// Looks again and again, for at most ten seconds.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..1000 {
        pause.tick().await;
        if let Some(found) = look() {
            return found;
        }
    }
    panic!("never: {what}")
}
