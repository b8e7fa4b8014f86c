//! `cargo xtask fuzz-api`: the REST interface against its own OpenAPI document, by a schema-driven fuzzer.
//!
//! Schemathesis comes by pip into `.puente/tools/venv`, pinned; the fleet is `puente up --simulate` in a folder
//! of its own. Bounded and seeded: the same run twice asks the same.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{browser, tree};

/// The package, pinned: a new version asks other things.
const PACKAGE: &str = "schemathesis==4.32.5";

/// Builds the fleet, fetches the fuzzer, and runs it; `more` goes to the fuzzer as it is.
///
/// # Errors
/// When an answer is a server error or not what the document says, or something cannot be built or fetched.
pub fn run(root: &Path, more: &[String]) -> Result<()> {
    tree::call(
        tree::cargo()
            .args(["build", "--quiet", "--bin", "puente"])
            .current_dir(root),
    )?;
    let fuzzer = tree::python_tool(root, PACKAGE, "schemathesis")?;
    tree::call(
        Command::new("node")
            .arg(root.join("tests/fuzz-api/fuzz.mjs"))
            .args(more)
            .env("PUENTE_PROGRAM", browser::target(root).join("debug/puente"))
            .env("PUENTE_SCHEMATHESIS", fuzzer),
    )
}
