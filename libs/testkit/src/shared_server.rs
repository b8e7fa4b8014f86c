//! One PostgreSQL for all test processes.
//!
//! Test runners give each test a process, and a server for each would cost most of the time. So the first test
//! that needs one starts it detached, under `target/testkit/`; the others find it by its state file. Every user
//! holds a shared lock for as long as its process lives, which ends with the process however it ends. A small
//! watchdog, a shell with `flock`, looks whether it can have that lock for itself, and stops the server once
//! nobody has used it for a minute. It stops it *under* the lock, so that nobody meets a server that is going.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use puente_embedded::{PgOptions, Postgres, ServerError};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::sync::OnceCell;

use crate::binaries::{tools, workspace};

/// `$1` is the server's process, `$2` the users' lock. Looks every 5 s; 12 looks in a row without users end it.
/// A zombie has no `exe`, so the loops also end where nobody collects orphans.
const WATCHDOG: &str = r#"
idle=0
while [ -e "/proc/$1/exe" ]; do
    sleep 5
    if flock -n -x "$2" true; then idle=$((idle + 1)); else idle=0; fi
    [ "$idle" -ge 12 ] || continue
    flock -n -x "$2" sh -c 'kill -INT "$1"; while [ -e "/proc/$1/exe" ]; do sleep 0.1; done' stop "$1"
done
"#;

/// The connection to the server that this process uses, for its lifetime.
struct Shared {
    port: u16,
    _in_use: Flock<File>,
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
    let in_use = lock(folder.join("users.lock"), FlockArg::LockShared).await;
    let starting = lock(folder.join("start.lock"), FlockArg::LockExclusive).await;
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
    // Through a shell that ends at once: the watchdog is nobody's child, and leaves no zombie here.
    let watchdog = Command::new("sh")
        .args([
            "-c",
            "sh -c \"$0\" watchdog \"$1\" \"$2\" &",
            WATCHDOG,
            &server.pid().to_string(),
        ])
        .arg(users)
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        watchdog.expect("sh can be started").success(),
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

async fn lock(path: PathBuf, how: FlockArg) -> Flock<File> {
    let wait = move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Flock::lock(file, how).unwrap_or_else(|(_, error)| panic!("{}: {error}", path.display()))
    };
    tokio::task::spawn_blocking(wait)
        .await
        .expect("waiting for a lock does not panic")
}
