//! `cargo xtask buf`: events are added to, never broken.
//!
//! `buf` comes as an npm package into `.puente/tools/buf`. What the files are compared with is committed as
//! `proto/baseline.binpb` and replaced at a release only.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tree;

/// The package, pinned: a new version may lint differently.
const PACKAGE: &str = "@bufbuild/buf@1.75.0";

/// Lints `proto/` and compares it with the baseline; with `release`, makes the present files the baseline.
///
/// # Errors
/// When a rule is broken, or a message changed in a way that old readers or writers cannot bear.
pub fn run(root: &Path, release: bool) -> Result<()> {
    let Some(home) = tree::npm_tool(root, "buf", &[PACKAGE])? else {
        return Ok(());
    };
    let program = home.join("node_modules/.bin/buf");
    let buf = || {
        let mut command = Command::new(&program);
        command.current_dir(root.join("proto"));
        command
    };
    tree::call(buf().arg("lint"))?;
    if release {
        tree::call(buf().args(["build", "--exclude-source-info", "--output", "baseline.binpb"]))?;
        tree::say("buf: proto/baseline.binpb is the state of now");
        return Ok(());
    }
    tree::call(buf().args(["breaking", "--against", "baseline.binpb"]))?;
    tree::say("buf: lint clean, nothing broken since the baseline");
    Ok(())
}
