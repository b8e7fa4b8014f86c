//! Where log lines go while a person watches the terminal: into a file.
//!
//! The file takes the place of standard error, so that it also gets what libraries and panics write.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::unistd::dup2_stderr;

/// Standard error while it is the log file. Dropping it gives the terminal back.
#[derive(Debug)]
pub(crate) struct LogFile {
    terminal: OwnedFd,
    /// Where the lines are.
    pub(crate) path: PathBuf,
}

impl LogFile {
    /// From now on standard error is this file, which is emptied.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let what = "standard error cannot be turned to the log file";
        let terminal = nix::unistd::dup(std::io::stderr()).context(what)?;
        dup2_stderr(&file).context(what)?;
        Ok(Self {
            terminal,
            path: path.to_owned(),
        })
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        // Nobody could be told.
        let _ = dup2_stderr(&self.terminal);
    }
}
