//! The state file beside a server: who started it, its process and its port.
//!
//! It lets a second start say "already running" instead of breaking the first, and keeps the port the same over
//! restarts. A process is known by its id *and* its start time: ids are used again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::ServerError;
use crate::platform;
use crate::ports::{free_port, is_free};
use crate::process::LOOK_AGAIN;

/// A server whose owner died was told to stop already; this long it may take before it is told again.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(10);

/// A process that can be told from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pid: u32,
    started: u64,
}

impl Identity {
    /// The process with this id now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let started = platform::started(pid)?;
        Some(Self { pid, started })
    }

    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// What the state file says about a server that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The server's process.
    pub pid: u32,
    /// The server's port on loopback.
    pub port: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    owner: Option<Identity>,
    server: Identity,
    port: u16,
}

/// The state file of one server.
#[derive(Debug, Clone)]
pub(crate) struct StateFile(PathBuf);

impl StateFile {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        Self(folder.join(format!("{name}.state.json")))
    }

    /// The server, if it runs.
    pub(crate) fn running(&self) -> Option<Running> {
        let state = self.read()?;
        state.server.is_alive().then_some(Running {
            pid: state.server.pid,
            port: state.port,
        })
    }

    /// The port to listen on: the wanted one, else that of last time if nobody listens there, else any free one.
    pub(crate) fn port(&self, wanted: Option<u16>) -> Result<u16, ServerError> {
        let of_last_time = || self.last_port().filter(|port| is_free(*port));
        match wanted.or_else(of_last_time) {
            Some(port) => Ok(port),
            None => free_port(|_| true).map_err(ServerError::io("no free port")),
        }
    }

    fn last_port(&self) -> Option<u16> {
        self.read().map(|state| state.port)
    }

    /// Makes sure that nothing runs here: refuses if the owner lives, and sees off an orphan.
    pub(crate) async fn claim(&self, program: &'static str, stop: Signal) -> Result<(), ServerError> {
        let Some(state) = self.read() else { return Ok(()) };
        if !state.server.is_alive() {
            return Ok(());
        }
        let Identity { pid, .. } = state.server;
        // Without an owner the server was meant to outlive its starter, and is nobody's to stop.
        if state.owner.is_none_or(Identity::is_alive) {
            let folder = self.0.parent().unwrap_or(&self.0).to_owned();
            return Err(ServerError::AlreadyRunning {
                program,
                folder,
                pid,
                port: state.port,
            });
        }
        let begin = Instant::now();
        let mut told = false;
        while state.server.is_alive() {
            if begin.elapsed() > ORPHAN_PATIENCE && !told {
                told = true;
                let _ = i32::try_from(pid).map(|pid| kill(Pid::from_raw(pid), stop));
            }
            if begin.elapsed() > ORPHAN_PATIENCE * 2 {
                let folder = self.0.parent().unwrap_or(&self.0).to_owned();
                return Err(ServerError::AlreadyRunning {
                    program,
                    folder,
                    pid,
                    port: state.port,
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Notes a server that was started; `owned` if it ends with this process.
    pub(crate) fn write(&self, pid: u32, port: u16, owned: bool) -> Result<(), ServerError> {
        let gone = || std::io::Error::other("the process is gone");
        let what = || format!("the state file {} cannot be written", self.0.display());
        let server = Identity::of(pid)
            .ok_or_else(gone)
            .map_err(ServerError::io(what()))?;
        let owner = if owned {
            Identity::of(std::process::id())
        } else {
            None
        };
        let text = serde_json::to_vec(&State { owner, server, port })
            .map_err(std::io::Error::other)
            .map_err(ServerError::io(what()))?;
        // Whole or not at all: another process may be reading.
        let new = self.0.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.0))
            .map_err(ServerError::io(what()))
    }

    fn read(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(&self.0).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_as_well() {
        let this = Identity::of(std::process::id()).expect("this process runs");
        assert!(this.is_alive());
        assert!(
            !Identity {
                started: this.started + 1,
                ..this
            }
            .is_alive()
        );
    }

    #[tokio::test]
    async fn a_server_that_is_gone_leaves_the_folder_free_and_its_port_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path(), "x");
        file.write(std::process::id(), 4711, true).unwrap();
        assert_eq!(
            file.running(),
            Some(Running {
                pid: std::process::id(),
                port: 4711
            })
        );
        let busy = file.claim("x", Signal::SIGTERM).await;
        assert!(matches!(
            busy,
            Err(ServerError::AlreadyRunning { port: 4711, .. })
        ));

        let text = fs::read_to_string(&file.0)
            .unwrap()
            .replace("\"started\":", "\"started\":1");
        fs::write(&file.0, text).unwrap();
        assert_eq!(file.running(), None);
        file.claim("x", Signal::SIGTERM).await.expect("free");
        assert_eq!(file.last_port(), Some(4711));
    }
}
