//! `cargo xtask browser`: the tests of `tests/browser`, in Chromium, against the fleet with simulated providers.
//!
//! Chromium comes from the system: the package `chromium`, or whatever `CHROME_BIN` names. It is never downloaded.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tree;

/// Builds the fleet, fetches the two pinned packages, and runs the tests; `more` goes to node as it is.
///
/// # Errors
/// When a test fails, or something cannot be built or fetched.
pub fn run(root: &Path, more: &[String]) -> Result<()> {
    let folder = root.join("tests/browser");
    tree::call(
        tree::cargo()
            .args(["build", "--quiet", "--bin", "puente"])
            .current_dir(root),
    )?;
    tree::call(
        Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder),
    )?;
    tree::call(
        Command::new("node")
            .args(["--test", "--test-reporter=spec", "--test-concurrency=1"])
            .args(more)
            .arg("console.test.mjs")
            .env("PUENTE_PROGRAM", target(root).join("debug/puente"))
            .current_dir(&folder),
    )
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
