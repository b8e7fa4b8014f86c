//! `cargo xtask check-docs`: documents that lie fail the build.
//!
//! The code map matches the tree, paths and commands that documents name exist, every provider has its page with all
//! sections, dashboards and alerts speak of metrics that exist, tests that hold a requirement are there, and what is generated
//! is fresh.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{gen_docs, tree};

mod commands;
mod integrations;
mod map;
mod metrics;
pub mod requirements;

/// Fails with one line per lie.
///
/// # Errors
/// When there is one, or a document is missing.
pub fn run(root: &Path) -> Result<()> {
    let problems = check(root)?;
    for problem in &problems {
        tree::say(problem);
    }
    if problems.is_empty() {
        tree::say("docs: code map, paths, commands, integrations and generated pages are right");
        return Ok(());
    }
    bail!("{} statements in documents are not so", problems.len())
}

/// All that is wrong.
///
/// # Errors
/// When a document cannot be read.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = map::check(root)?;
    problems.extend(commands::check(root)?);
    problems.extend(integrations::check(root)?);
    problems.extend(metrics::check(root)?);
    problems.extend(requirements::check(root)?);
    problems.extend(
        gen_docs::stale(root)?
            .into_iter()
            .map(|name| format!("{name}: stale, run `cargo xtask gen-docs`")),
    );
    Ok(problems)
}

/// The documents that people wrote: Markdown outside the generated folder and the providers' template.
fn documents(root: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for file in tree::files(root)? {
        let name = tree::shown(root, &file);
        let generated = name.starts_with("docs/integrations/")
            || name == "docs/events.md"
            || name == "docs/configuration.md";
        if name.ends_with(".md") && !generated && !name.starts_with("libs/providers/template/") {
            found.push((name, tree::read(&file)?));
        }
    }
    Ok(found)
}
