//! `cargo xtask contract`: what tests recorded between us and the simulators, against the vendors' API descriptions.
//!
//! The checker and the descriptions are kept beside the repository, in `../shared`, not in it; without them there is
//! one line that says so. Tests write one line per exchange into `target/contract/*.ndjson`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::tree;

/// Fails when an exchange does not fit its description.
///
/// # Errors
/// When one does not, or the checker cannot be run.
pub fn run(root: &Path) -> Result<()> {
    let Some(shared) = root.parent().map(|above| above.join("shared")) else {
        bail!("the repository has no parent folder")
    };
    let tool = shared.join("tools/contract");
    if !tool.join("check.py").is_file() {
        tree::say("skipped: contract needs the checker in ../shared/tools/contract, which is not here");
        return Ok(());
    }
    let recordings = recordings(root);
    if recordings.is_empty() {
        bail!("target/contract holds no recordings: run `make test` first");
    }
    let venv = root.join(".puente/tools/contract");
    if !venv.join("installed").is_file() {
        tree::call(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let requirements = tool.join("requirements.txt");
        tree::call(
            Command::new(venv.join("bin/pip"))
                .args(["install", "--quiet", "-r"])
                .arg(requirements),
        )?;
        tree::write(&venv.join("installed"), "")?;
    }
    tree::call(
        Command::new(venv.join("bin/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(tool.join("check.py"))
            .arg("--specs")
            .arg(shared.join("specs"))
            .args(recordings),
    )
}

fn recordings(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root.join("target/contract"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "ndjson"))
        .collect();
    found.sort();
    found
}
