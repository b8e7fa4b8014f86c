//! One PostgreSQL for all test processes.
//!
//! Test runners give each test a process, and a server for each would cost most of the time. So the first test
//! that needs one starts it detached, under `target/testkit/`; the others find it by its state file. Every user
//! holds a shared lock for as long as its process lives, which ends with the process however it ends. A small
//! watchdog (`shared_server/watchdog.py`) looks whether it can have that lock for itself, and stops the server once
//! nobody has used it for a minute. It stops it *under* the lock, so that nobody meets a server that is going.
//! It is a Python script because a shell has no locks everywhere: Linux and macOS share no program for them.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use puente_embedded::{PgOptions, Postgres, ServerError};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::sync::OnceCell;

use crate::binaries::{tools, workspace};

const WATCHDOG: &str = include_str!("shared_server/watchdog.py");

/// The connection to the server that this process uses, for its lifetime.
struct Shared {
    port: u16,
    _in_use: File,
}

static SHARED: OnceCell<Shared> = OnceCell::const_new();

/// The administrator's URL of the shared server, without a database. It is started if it does not run.
pub(crate) async fn url() -> String {
    let shared = SHARED.get_or_init(join).await;
    format!("postgres://puente@127.0.0.1:{}", shared.port)
}

async fn join() -> Shared {
    let bin = tools().postgres().unwrap_or_else(|error| panic!("{error}"));
    let folder = folder(&bin);
    std::fs::create_dir_all(&folder).expect("a folder under target");
    let in_use = lock(folder.join("users.lock"), File::lock_shared).await;
    let starting = lock(folder.join("start.lock"), File::lock).await;
    let data = folder.join("db");
    let port = match Postgres::running(&data) {
        Some(running) => running.port,
        None => start(&bin, &data, &folder.join("users.lock")).await,
    };
    drop(starting);
    Shared {
        port,
        _in_use: in_use,
    }
}

/// Apart by user and by PostgreSQL, whose clusters are not interchangeable.
fn folder(bin: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    bin.hash(&mut hasher);
    let user = nix::unistd::Uid::effective();
    workspace()
        .join("target/testkit")
        .join(format!("postgres-{user}-{:08x}", hasher.finish() as u32))
}

async fn start(bin: &Path, data: &Path, users: &Path) -> u16 {
    let mut options = PgOptions::for_tests(bin, data);
    options.detached = true;
    options.max_connections = 500;
    let server = match Postgres::start(options.clone()).await {
        Ok(server) => server,
        // Nothing here is worth keeping: after a power loss, or with another version, begin anew.
        Err(ServerError::Ended { .. }) => {
            std::fs::remove_dir_all(data).expect("the test cluster can be deleted");
            Postgres::start(options)
                .await
                .unwrap_or_else(|error| panic!("{error}"))
        }
        Err(error) => panic!("{error}"),
    };
    // It ends at once and leaves a child that is nobody's, hence no zombie here.
    let watchdog = Command::new("python3")
        .args(["-c", WATCHDOG, &server.pid().to_string()])
        .arg(data.join("pg/postmaster.pid"))
        .arg(users)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        watchdog.expect("python3 can be started").success(),
        "the watchdog is started"
    );
    forget_old_databases(&server).await;
    server.port()
}

/// Databases of tests that were killed, and templates of an earlier day.
async fn forget_old_databases(server: &Postgres) {
    let mut connection = connect(&server.url("postgres")).await;
    let old: Vec<String> =
        sqlx::query_scalar(r"SELECT datname FROM pg_database WHERE datname ~ '^(t|tmpl)_'")
            .fetch_all(&mut connection)
            .await
            .expect("the server can be asked");
    for database in old {
        drop_database(&mut connection, &database).await;
    }
}

/// Connects as the administrator.
pub(crate) async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().expect("a URL of ours");
    options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("the test database cannot be connected to: {error}"))
}

/// Drops a database with whoever is in it. A failure only leaves it for the next start of the server.
pub(crate) async fn drop_database(connection: &mut PgConnection, database: &str) {
    let drop = format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)");
    let _ = sqlx::raw_sql(AssertSqlSafe(drop)).execute(connection).await;
}

async fn lock(path: PathBuf, how: fn(&File) -> std::io::Result<()>) -> File {
    let wait = move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        how(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        file
    };
    tokio::task::spawn_blocking(wait)
        .await
        .expect("waiting for a lock does not panic")
}
