//! `cargo xtask check-layers`: who may import whom.
//!
//! Reads the paths that a file names, in `use` lines and in code, and holds them against the rules of the room the
//! file stands in. Test code may reach further and is left out. The rules are in [`rules`], the reading in [`scan`].

use std::path::Path;

use anyhow::{Result, bail};

use crate::tree;

pub mod rules;
pub mod scan;

/// Fails with one line per breach: `file:line: rule`.
///
/// # Errors
/// When a rule is broken.
pub fn run(root: &Path) -> Result<()> {
    let (breaches, count) = check(root)?;
    for breach in &breaches {
        tree::say(breach);
    }
    if breaches.is_empty() {
        tree::say(&format!("layers: {count} files keep to their rooms"));
        return Ok(());
    }
    bail!("{} imports leave their layer", breaches.len())
}

/// All breaches in the tree, and how many files were read.
///
/// # Errors
/// When a file cannot be read.
pub fn check(root: &Path) -> Result<(Vec<String>, usize)> {
    let workspace = rules::Workspace {
        services: tree::folders(&root.join("services")),
        crates: dependencies(&tree::read(&root.join("Cargo.toml"))?)?,
    };
    let mut breaches = Vec::new();
    let mut count = 0;
    for area in ["apps", "libs", "services"] {
        for file in tree::files(&root.join(area))? {
            let shown = tree::shown(root, &file);
            if file.extension().is_none_or(|ending| ending != "rs") || rules::is_test(&shown) {
                continue;
            }
            count += 1;
            breaches.extend(workspace.judge(&shown, &tree::read(&file)?));
        }
    }
    Ok((breaches, count))
}

/// The names, as code writes them, of all crates in `[workspace.dependencies]`.
fn dependencies(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse()?;
    let table = manifest
        .get("workspace")
        .and_then(|w| w.get("dependencies"))
        .and_then(toml::Value::as_table);
    Ok(table
        .into_iter()
        .flat_map(|t| t.keys())
        .map(|name| name.replace('-', "_"))
        .collect())
}
