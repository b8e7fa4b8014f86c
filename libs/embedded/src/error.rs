//! Why a server could not be had: each a line that says what to do.

use std::path::PathBuf;

/// Why a server did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program was not found.
    #[error("{program} was not found; run `make tools`, or set {variable}")]
    Missing {
        /// The program.
        program: &'static str,
        /// The variable that names it.
        variable: &'static str,
    },
    /// The program cannot be run.
    #[error("{path} cannot be run: {reason}")]
    Unusable {
        /// The program.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The program does not know what is needed.
    #[error("{program} is version {found}, but {needed} or newer is needed")]
    TooOld {
        /// The program.
        program: &'static str,
        /// What it says it is.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// Another process runs a server in this folder.
    #[error("{program} already runs in {folder} (process {pid}, port {port})")]
    AlreadyRunning {
        /// The program.
        program: &'static str,
        /// Its folder.
        folder: PathBuf,
        /// The server's process.
        pid: u32,
        /// The server's port.
        port: u16,
    },
    /// Under root, PostgreSQL cannot be given to anybody.
    #[error(
        "PostgreSQL refuses to run as root, and `nobody` cannot reach {folder}: move it to a path that others may \
         enter, allow user namespaces, or start as a normal user"
    )]
    NoAccount {
        /// The folder, or the program, that cannot be reached.
        folder: PathBuf,
    },
    /// It ended before it was ready.
    #[error("{program} did not start: {reason}")]
    Ended {
        /// The program.
        program: &'static str,
        /// The end of its log.
        reason: String,
    },
    /// It did not get ready in time.
    #[error("{program} was not ready in time: {reason}")]
    Late {
        /// The program.
        program: &'static str,
        /// The end of its log.
        reason: String,
    },
    /// A file or process operation failed.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl ServerError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
