//! `cargo xtask asyncapi`: the reference parser reads `docs/asyncapi.json`, protobuf payloads included.
//!
//! The parser comes as npm packages into `.puente/tools/asyncapi`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tree;

/// The packages, pinned: a new version may see more.
const PACKAGES: [&str; 2] = ["@asyncapi/parser@3.6.6", "@asyncapi/protobuf-schema-parser@3.9.0"];
const CHECK: &str = include_str!("asyncapi/check.mjs");

/// Fails when the document is not valid.
///
/// # Errors
/// When it is not, or the parser cannot be run.
pub fn run(root: &Path) -> Result<()> {
    let Some(home) = tree::npm_tool(root, "asyncapi", &PACKAGES)? else {
        return Ok(());
    };
    let check = home.join("check.mjs");
    tree::write(&check, CHECK)?;
    tree::call(
        Command::new("node")
            .arg(&check)
            .arg(&home)
            .arg(root.join("docs/asyncapi.json")),
    )
}
