//! A private NATS server with JetStream on disk.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::ServerError;
use crate::process::{LOOK_AGAIN, Process};
use crate::state::{Running, StateFile};
use crate::version;

const PROGRAM: &str = "nats-server";
/// Ready is usually a matter of milliseconds; a big store takes longer to read.
const READY: Duration = Duration::from_secs(60);
/// A port may be taken between the look and the bind. What the server says then.
const PORT_TAKEN: &str = "address already in use";
const ATTEMPTS: usize = 20;
/// SIGTERM closes the store in order; then force.
const STOP: [(Signal, Duration); 2] = [
    (Signal::SIGTERM, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// How the server's garbage collector is told how much may pile up, in percent of what is in use, and what we say.
/// Its own 100 costs every message more than a tenth more processor time; what is in use is mostly the ids of the last minutes.
const GARBAGE: (&str, &str) = ("GOGC", "400");
/// How the server is told on how many processors it may compute at a time. All of them is what it takes by itself, as for a
/// machine of its own; threads that look for work then take time from the database and the services beside it.
const PROCESSORS: &str = "GOMAXPROCS";

/// What a NATS server is started with.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// The program.
    pub bin: PathBuf,
    /// Its folder: store, log and state file. Made if it is missing.
    pub store_dir: PathBuf,
    /// Its port on loopback; without one, that of last time or a free one.
    pub port: Option<u16>,
}

impl NatsOptions {
    /// Any port.
    pub fn new(bin: impl Into<PathBuf>, store_dir: impl Into<PathBuf>) -> Self {
        Self {
            bin: bin.into(),
            store_dir: store_dir.into(),
            port: None,
        }
    }
}

/// A running NATS server. Dropping it stops it; so does the end of this process.
#[derive(Debug)]
pub struct Nats {
    options: NatsOptions,
    process: Process,
    port: u16,
}

impl Nats {
    /// Starts a server and waits until it can be connected to.
    ///
    /// # Errors
    /// When the program is too old, the folder is in use, or the server does not start.
    pub async fn start(mut options: NatsOptions) -> Result<Self, ServerError> {
        version::check(PROGRAM, Command::new(&options.bin), (2, 12), "2.12")?;
        let what = format!("the folder {} cannot be made", options.store_dir.display());
        std::fs::create_dir_all(&options.store_dir).map_err(ServerError::io(what.clone()))?;
        options.store_dir = options.store_dir.canonicalize().map_err(ServerError::io(what))?;
        let state = StateFile::new(&options.store_dir, "nats");
        state.claim(PROGRAM, Signal::SIGTERM).await?;

        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let port = state.port(options.port)?;
            match launch(&options, port).await {
                Ok(process) => {
                    state.write(process.pid(), port, true)?;
                    options.port = Some(port);
                    return Ok(Self {
                        options,
                        process,
                        port,
                    });
                }
                Err(ServerError::Ended { reason, .. })
                    if options.port.is_none() && reason.contains(PORT_TAKEN) =>
                {
                    last = reason;
                }
                Err(error) => return Err(error),
            }
        }
        Err(ServerError::Ended {
            program: PROGRAM,
            reason: last,
        })
    }

    /// The server that runs in this folder, if one does.
    #[must_use]
    pub fn running(store_dir: &Path) -> Option<Running> {
        StateFile::new(store_dir, "nats").running()
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port; the same after [`Nats::start_again`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Stops it in order.
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
    /// As [`Nats::start`].
    pub async fn start_again(&mut self) -> Result<(), ServerError> {
        let again = Self::start(self.options.clone()).await?;
        *self = again;
        Ok(())
    }

    /// Deletes everything it stored: the loss of its disk. It must have ended.
    ///
    /// # Errors
    /// When the folder cannot be emptied.
    pub fn wipe(&self) -> Result<(), ServerError> {
        let store = self.options.store_dir.join("jetstream");
        match std::fs::remove_dir_all(&store) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ServerError::Io {
                what: format!("{} cannot be deleted", store.display()),
                source: error,
            }),
            _ => Ok(()),
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.process.stop_blocking(&STOP);
    }
}

fn every_second_processor() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (processors / 2).max(1)
}

async fn launch(options: &NatsOptions, port: u16) -> Result<Process, ServerError> {
    let folder = &options.store_dir;
    for old in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if old
            .path()
            .extension()
            .is_some_and(|extension| extension == "ports")
        {
            let _ = std::fs::remove_file(old.path());
        }
    }
    let mut command = Command::new(&options.bin);
    command
        .args(["--addr", "127.0.0.1", "--port"])
        .arg(port.to_string());
    command
        .arg("--jetstream")
        .arg("--store_dir")
        .arg(folder)
        .arg("--ports_file_dir")
        .arg(folder);
    // Who sets one of them for us means the server as well.
    if std::env::var_os(GARBAGE.0).is_none() {
        command.env(GARBAGE.0, GARBAGE.1);
    }
    if std::env::var_os(PROCESSORS).is_none() {
        command.env(PROCESSORS, every_second_processor().to_string());
    }
    let mut process = Process::start(command, &folder.join("nats-server.log"), Some(Signal::SIGTERM))?;
    // Written as soon as it listens.
    let ports = folder.join(format!("nats-server_{}.ports", process.pid()));

    let begin = Instant::now();
    loop {
        if ports.exists() {
            return Ok(process);
        }
        if process.ended().is_some() {
            return Err(ServerError::Ended {
                program: PROGRAM,
                reason: process.tail(),
            });
        }
        if begin.elapsed() > READY {
            process.stop(&STOP).await;
            return Err(ServerError::Late {
                program: PROGRAM,
                reason: process.tail(),
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
