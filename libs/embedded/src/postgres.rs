//! A private PostgreSQL server.
//!
//! Its folder holds the cluster (`pg`), the log, the password and the state file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::account::Account;
use crate::cluster::{forget_dead_server, is_ready, make_cluster, make_folder};
use crate::error::ServerError;
use crate::process::{LOOK_AGAIN, Process, end_of, tail};
use crate::state::{Running, StateFile};
use crate::version;

pub(crate) const PROGRAM: &str = "PostgreSQL";
/// The superuser of the cluster.
pub(crate) const USER: &str = "puente";
/// After a crash the log is replayed first, which may take long.
const READY: Duration = Duration::from_secs(300);
/// Fast shutdown, then without a checkpoint, then force.
const STOP: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(20)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];
/// A port may be taken between the look and the bind, and a crash leaves shared memory for a moment.
const ATTEMPTS: usize = 20;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(250);
/// The log of the last start.
const LOG: &str = "postgres.log";
/// As much as a start that failed and all connections of its predecessor write.
const WHOLE_LOG: u64 = 1 << 20;

/// How clients prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// By a generated password, which is kept in the server's folder for the owner's eyes.
    Password,
    /// Not at all: whoever is on this machine may connect. For tests.
    Trust,
}

/// What a PostgreSQL server is started with.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The folder with `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Its folder. Made if it is missing.
    pub data_dir: PathBuf,
    /// Its port on loopback; without one, that of last time or a free one.
    pub port: Option<u16>,
    /// Whether a commit survives a power loss. Off only for tests; it survives the server's crash either way.
    pub durable: bool,
    /// How clients log in. Decided when the cluster is made.
    pub login: Login,
    /// The most connections at a time: a fleet has two pools a service.
    pub max_connections: u32,
    /// Whether it outlives this process. Then dropping it does not stop it either.
    pub detached: bool,
}

impl PgOptions {
    /// Durable, with a password, on any port, ending with this process.
    pub fn new(bin: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            bin: bin.into(),
            data_dir: data_dir.into(),
            port: None,
            durable: true,
            login: Login::Password,
            max_connections: 300,
            detached: false,
        }
    }

    /// For tests: quick instead of durable, and without a password.
    pub fn for_tests(bin: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            durable: false,
            login: Login::Trust,
            ..Self::new(bin, data_dir)
        }
    }
}

/// A running PostgreSQL server. Unless detached, dropping it stops it, and so does the end of this process.
#[derive(Debug)]
pub struct Postgres {
    options: PgOptions,
    process: Process,
    port: u16,
    password: Option<String>,
}

impl Postgres {
    /// Starts a server, making its cluster if there is none, and waits until it takes connections.
    ///
    /// # Errors
    /// When the program is too old, the folder is in use, or the server does not start.
    pub async fn start(mut options: PgOptions) -> Result<Self, ServerError> {
        let folder = make_folder(&options.data_dir)?;
        options.data_dir.clone_from(&folder);
        let state = StateFile::new(&folder, "postgres");
        state.claim(PROGRAM, Signal::SIGINT).await?;

        let postgres = options.bin.join("postgres");
        let account = {
            let folder = folder.clone();
            let program = postgres.clone();
            blocking(move || Account::choose(&program, &folder)).await?
        };
        version::check(PROGRAM, account.command(&postgres), (15, 0), "15")?;
        if !folder.join("pg").is_dir() {
            let options = options.clone();
            blocking(move || make_cluster(&options, account)).await?;
        }
        forget_dead_server(&folder)?;

        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let port = state.port(options.port)?;
            match launch(&options, account, port).await {
                Ok(process) => {
                    state.write(process.pid(), port, !options.detached)?;
                    options.port = Some(port);
                    let password = fs::read_to_string(folder.join("password")).ok();
                    return Ok(Self {
                        options,
                        process,
                        port,
                        password,
                    });
                }
                Err(ServerError::Ended { reason, .. })
                    if may_pass(&folder.join(LOG), options.port.is_some()) =>
                {
                    last = reason;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        }
        Err(ServerError::Ended {
            program: PROGRAM,
            reason: last,
        })
    }

    /// The server that runs in this folder, if one does.
    #[must_use]
    pub fn running(data_dir: &Path) -> Option<Running> {
        StateFile::new(data_dir, "postgres").running()
    }

    /// The administrator's URL of a database. Holds the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let login = self
            .password
            .as_ref()
            .map_or(USER.to_owned(), |password| format!("{USER}:{password}"));
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port; the same after [`Postgres::start_again`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Stops it in order: connections are closed, everything is written.
    pub async fn stop(&mut self) {
        self.process.stop(&STOP).await;
    }

    /// Kills it without a word: the crash of tests.
    pub async fn kill9(&mut self) {
        self.process
            .stop(&[(Signal::SIGKILL, Duration::from_secs(5))])
            .await;
    }

    /// Waits until it ends by itself, and says how and what its log ends with.
    pub async fn ended(&mut self) -> (ExitStatus, String) {
        let status = self.process.until_ended().await;
        (status, self.process.tail())
    }

    /// Starts it anew on the same folder and port. It must have ended.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn start_again(&mut self) -> Result<(), ServerError> {
        let again = Self::start(self.options.clone()).await?;
        *self = again;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !self.options.detached {
            self.process.stop_blocking(&STOP);
        }
    }
}

async fn launch(options: &PgOptions, account: Account, port: u16) -> Result<Process, ServerError> {
    let cluster = options.data_dir.join("pg");
    let mut command = account.command(&options.bin.join("postgres"));
    command.arg("-D").arg(&cluster);
    let mut set = |setting: String| {
        command.arg("-c").arg(setting);
    };
    set("listen_addresses=127.0.0.1".to_owned());
    set("unix_socket_directories=".to_owned());
    set(format!("port={port}"));
    set(format!("max_connections={}", options.max_connections));
    // With the default of 1 GB a sustained intake brings a checkpoint every few seconds, and after each one every page is
    // logged whole again when it is first touched.
    set("max_wal_size=4GB".to_owned());
    // A new file of the log is not filled with zeros and fsynced before it is used: while one client does that, all commits
    // wait. What is confirmed is fsynced as before, together with the file's new blocks.
    set("wal_init_zero=off".to_owned());
    if options.durable {
        // The default of 128 MB does not hold the indexes that some minutes of sustained intake write to at random
        // places, and each of their pages then goes out and comes in again and again. It takes what it uses.
        set("shared_buffers=256MB".to_owned());
    } else {
        // Commits still reach the kernel before they are confirmed (`synchronous_commit` stays on): tests kill
        // servers, and what was confirmed must survive that.
        set("fsync=off".to_owned());
        set("full_page_writes=off".to_owned());
    }
    for variable in ["PGDATA", "PGPORT", "PGOPTIONS", "PGTZ"] {
        command.env_remove(variable);
    }
    // The log is read by us. On macOS the server also refuses to start without any locale in its environment.
    command.env("LC_ALL", "C");
    let on_parent_death = (!options.detached).then_some(Signal::SIGINT);
    let log = options.data_dir.join(LOG);
    let mut process = Process::start(command, &log, on_parent_death)?;

    let begin = Instant::now();
    while !is_ready(&cluster) {
        if process.ended().is_some() {
            return Err(ServerError::Ended {
                program: PROGRAM,
                reason: tail(&log),
            });
        }
        if begin.elapsed() > READY {
            process.stop(&STOP).await;
            return Err(ServerError::Late {
                program: PROGRAM,
                reason: tail(&log),
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(process)
}

/// Whether a failed start is worth another attempt. The whole log tells: after the reason, which is short, come the
/// last words of every connection of a server that was killed.
fn may_pass(log: &Path, port_is_fixed: bool) -> bool {
    let reason = end_of(log, WHOLE_LOG);
    let port_taken =
        reason.contains("could not bind") || reason.contains("could not create any TCP/IP sockets");
    let old_memory = reason.contains("shared memory block") || reason.contains("is still in use");
    old_memory || (port_taken && !port_is_fixed)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServerError> + Send + 'static,
) -> Result<T, ServerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ServerError::Io {
            what: "a background step failed".to_owned(),
            source: error.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_may_pass_is_recognised_behind_the_last_words_of_many_connections() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join(LOG);
        let reason = "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n";
        let word = "FATAL:  terminating connection due to unexpected postmaster exit\n";
        fs::write(&log, reason.to_owned() + &word.repeat(300)).unwrap();
        assert!(may_pass(&log, true));
        fs::write(&log, word.repeat(300)).unwrap();
        assert!(!may_pass(&log, true));
    }
}
