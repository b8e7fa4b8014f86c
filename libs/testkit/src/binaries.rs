//! Where the test servers' programs are: as [`Tools`] finds them, from the root of this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use puente_embedded::Tools;

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the workspace is where this crate was compiled")
}

/// The finder of `nats-server` and PostgreSQL.
#[must_use]
pub fn tools() -> Tools {
    Tools::new(workspace())
}

/// Set by `cargo xtask test`, which has just built all programs with the features of the tests.
const BUILT: &str = "PUENTE_PROGRAMS_BUILT";

/// The folder with the programs of the workspace, brought up to date unless that was done for all tests together.
#[must_use]
pub fn programs() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        if std::env::var_os(BUILT).is_none() {
            let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
            let mut command = Command::new(cargo);
            // As in a run of all tests: then one build serves both.
            command.current_dir(workspace()).args([
                "build",
                "--quiet",
                "--workspace",
                "--all-features",
                "--bins",
            ]);
            let status = command.status().expect("cargo can be started");
            assert!(status.success(), "the programs do not build");
        }
    });
    let own = std::env::current_exe().expect("a running program has a path");
    let mut folder = own.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") {
        folder = folder.parent().expect("target/<profile>/deps");
    }
    folder.to_owned()
}
