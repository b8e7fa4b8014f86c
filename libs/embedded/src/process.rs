//! A child process: its log, its end, and signals to it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::ServerError;
use crate::platform::{self, Leash};

/// How often an awaited change is looked for.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// As much of a log as fits an error message.
const TAIL: u64 = 2000;

/// A running child with its log file.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    _leash: Leash,
}

impl Process {
    /// Starts `command` with its output in the file `log`, which is emptied.
    pub(crate) fn start(
        mut command: Command,
        log: &Path,
        on_parent_death: Option<Signal>,
    ) -> Result<Self, ServerError> {
        let what = || format!("the log {} cannot be written", log.display());
        File::create(log).map_err(ServerError::io(what()))?;
        // Appending: processes of a killed server that still end write into this file too, and must not write over
        // what the new one says.
        let out = OpenOptions::new()
            .append(true)
            .open(log)
            .map_err(ServerError::io(what()))?;
        let err = out.try_clone().map_err(ServerError::io(what()))?;
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .current_dir("/");
        let program = command.get_program().to_string_lossy().into_owned();
        let (child, leash) = platform::spawn(command, on_parent_death)
            .map_err(ServerError::io(format!("{program} cannot be started")))?;
        Ok(Self {
            child,
            log: log.to_owned(),
            _leash: leash,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn until_ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // An error means it is gone, which `ended` finds out.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Sends one signal after the other until it ends, giving each its time.
    pub(crate) async fn stop(&mut self, signals: &[(Signal, Duration)]) {
        for (signal, patience) in signals {
            if self.ended().is_some() {
                return;
            }
            self.signal(*signal);
            let _ = tokio::time::timeout(*patience, self.until_ended()).await;
        }
    }

    /// The same without a runtime, for destructors.
    pub(crate) fn stop_blocking(&mut self, signals: &[(Signal, Duration)]) {
        for (signal, patience) in signals {
            let begin = Instant::now();
            if self.ended().is_none() {
                self.signal(*signal);
            }
            while self.ended().is_none() && begin.elapsed() < *patience {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        tail(&self.log)
    }
}

/// What a log ends with: so many bytes of it at most.
pub(crate) fn end_of(log: &Path, bytes: u64) -> String {
    let mut read = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |meta| meta.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(bytes)));
        let _ = file.take(bytes).read_to_end(&mut read);
    }
    String::from_utf8_lossy(&read).trim().to_owned()
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = end_of(log, TAIL);
    if text.is_empty() {
        "it left no log".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_outlives_its_server_does_not_write_over_the_next_ones_log() {
        let folder = tempfile::tempdir().unwrap();
        let (log, go) = (folder.path().join("log"), folder.path().join("go"));
        let shell = |script: String| {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(script);
            command
        };
        let script = format!(
            "echo first first first; until [ -e '{}' ]; do sleep 0.01; done; echo late",
            go.display()
        );
        let mut old = Process::start(shell(script), &log, None).unwrap();
        while !end_of(&log, TAIL).contains("first") {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let mut new = Process::start(shell("echo why it ended".into()), &log, None).unwrap();
        new.until_ended().await;
        std::fs::write(&go, "").unwrap();
        old.until_ended().await;
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "why it ended\nlate\n");
    }
}
