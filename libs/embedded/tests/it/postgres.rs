use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use puente_embedded::{PgOptions, Postgres, ServerError};
use sqlx::{Connection, PgConnection};

use crate::tools;

/// Set for the child that plays the other part in a test about two processes.
const FOLDER: &str = "PUENTE_TEST_FOLDER";

fn options(folder: &Path) -> PgOptions {
    PgOptions::for_tests(tools().postgres().unwrap(), folder)
}

async fn run(postgres: &Postgres, sql: &'static str) {
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

async fn number(postgres: &Postgres, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

/// A folder that other accounts can get to, unlike temporary ones usually are.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs one test of this binary again in a process of its own, with the folder in its environment.
fn again(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command
}

#[tokio::test]
async fn what_was_committed_survives_a_stop_and_a_kill_on_the_same_port() {
    let folder = open_folder();
    let mut postgres = Postgres::start(options(&folder.path().join("db"))).await.unwrap();
    let port = postgres.port();
    run(&postgres, "CREATE TABLE t (n bigint); INSERT INTO t VALUES (7)").await;
    postgres.stop().await;
    postgres.start_again().await.unwrap();
    assert_eq!(
        (postgres.port(), number(&postgres, "SELECT n FROM t").await),
        (port, 7)
    );
    postgres.kill9().await;
    assert!(
        folder.path().join("db/pg/postmaster.pid").exists(),
        "a killed server leaves its lock file"
    );
    postgres.start_again().await.unwrap();
    assert_eq!(
        (postgres.port(), number(&postgres, "SELECT n FROM t").await),
        (port, 7)
    );
}

#[tokio::test]
async fn a_lock_file_that_names_a_foreign_process_does_not_prevent_the_start() {
    let folder = open_folder();
    let mut postgres = Postgres::start(options(&folder.path().join("db"))).await.unwrap();
    postgres.kill9().await;
    let lock = folder.path().join("db/pg/postmaster.pid");
    let text = std::fs::read_to_string(&lock).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&lock, format!("{}\n{rest}", std::process::id())).unwrap();
    postgres.start_again().await.unwrap();
    assert_eq!(number(&postgres, "SELECT 1::bigint").await, 1);
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused() {
    let folder = open_folder();
    let postgres = Postgres::start(options(folder.path())).await.unwrap();
    let second = Postgres::start(options(folder.path())).await;
    let Err(ServerError::AlreadyRunning { pid, port, .. }) = second else {
        panic!("{second:?}")
    };
    assert_eq!((pid, port), (postgres.pid(), postgres.port()));
}

#[tokio::test]
async fn with_a_password_nobody_gets_in_without_it() {
    let folder = open_folder();
    let mut options = options(&folder.path().join("db"));
    options.login = puente_embedded::Login::Password;
    let postgres = Postgres::start(options).await.unwrap();
    assert_eq!(number(&postgres, "SELECT 1::bigint").await, 1);
    let mode = std::fs::metadata(folder.path().join("db/password"))
        .unwrap()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let guess = format!("postgres://puente:wrong@127.0.0.1:{}/postgres", postgres.port());
    assert!(PgConnection::connect(&guess).await.is_err());
}

#[tokio::test]
async fn a_folder_behind_a_closed_one_is_used_all_the_same() {
    let closed = tempfile::tempdir().unwrap();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut postgres = Postgres::start(options(&closed.path().join("db"))).await.unwrap();
    run(&postgres, "CREATE TABLE t (n bigint)").await;
    postgres.kill9().await;
    postgres.start_again().await.unwrap();
    assert_eq!(number(&postgres, "SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn a_normal_user_runs_it_too() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let postgres = Postgres::start(options(Path::new(&folder))).await.unwrap();
        assert_eq!(number(&postgres, "SELECT 1::bigint").await, 1);
        return;
    }
    let folder = open_folder();
    let place = folder.path().join("db");
    std::fs::create_dir(&place).unwrap();
    let mut command = again("postgres::a_normal_user_runs_it_too", &place);
    let root = std::fs::metadata(&place).unwrap().uid() == 0;
    if root {
        std::os::unix::fs::chown(&place, Some(65534), Some(65534)).unwrap();
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(place.join("postgres.log").exists());
}

#[tokio::test]
async fn the_server_ends_with_its_process_and_starts_again_at_once() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let _postgres = Postgres::start(options(Path::new(&folder))).await.unwrap();
        println!("\nstarted");
        std::future::pending::<()>().await;
    }
    let folder = open_folder();
    let name = "postgres::the_server_ends_with_its_process_and_starts_again_at_once";
    let mut holder = again(name, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "started"));
    let running = Postgres::running(folder.path()).expect("it runs");

    holder.kill().unwrap(); // SIGKILL: no destructor runs
    holder.wait().unwrap();
    let begin = Instant::now();
    let ended = async {
        while Postgres::running(folder.path()).is_some_and(|now| now.pid == running.pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        begin.elapsed()
    };
    // How long the new one takes to recover is another matter.
    let (postgres, ended) = tokio::join!(Postgres::start(options(folder.path())), ended);
    assert_ne!(postgres.unwrap().pid(), running.pid);
    assert!(
        ended < Duration::from_secs(9),
        "it was told at once, and not by us: {ended:?}"
    );
}
