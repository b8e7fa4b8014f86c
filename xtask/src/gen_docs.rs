//! `cargo xtask gen-docs`: documents that code already knows better than people.
//!
//! | document | comes from |
//! |---|---|
//! | `docs/events.md`, `docs/asyncapi.json` | the comments and options of `proto/` |
//! | `docs/integrations/` | every provider's `provider.toml` |
//! | `docs/configuration.md`, `.env.example` | every `*.default.toml` and `provider.toml` |
//!
//! All of them are committed; `--check` fails when one is not what would be written now.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use crate::tree;

mod asyncapi;
mod configuration;
mod events;
mod integrations;

/// First line of each generated Markdown file.
const NOTE: &str = "<!-- Written by `cargo xtask gen-docs`; changes here are lost. -->\n";

/// Writes all generated documents, or with `check` only names the stale ones.
///
/// # Errors
/// When a source cannot be read, or with `check` when a document is stale.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let stale = stale(root)?;
    if check && !stale.is_empty() {
        bail!("stale: {}; run `cargo xtask gen-docs`", stale.join(", "));
    }
    if !check {
        for name in left_over(root)? {
            std::fs::remove_file(root.join(&name))?;
            tree::say(&format!("docs: removed {name}"));
        }
        for (name, text) in documents(root)? {
            if stale.contains(&name) {
                tree::write(&root.join(&name), &text)?;
                tree::say(&format!("docs: wrote {name}"));
            }
        }
    }
    Ok(())
}

/// The generated documents that are missing, old, or belong to a provider that is gone.
///
/// # Errors
/// When a source cannot be read.
pub fn stale(root: &Path) -> Result<Vec<String>> {
    let mut stale = left_over(root)?;
    for (name, text) in documents(root)? {
        if tree::read(&root.join(&name)).ok().as_deref() != Some(text.as_str()) {
            stale.push(name);
        }
    }
    Ok(stale)
}

fn documents(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut documents = BTreeMap::from([
        ("docs/events.md".to_owned(), events::page()?),
        ("docs/asyncapi.json".to_owned(), asyncapi::document()?),
    ]);
    documents.extend(integrations::pages(root)?);
    documents.extend(configuration::pages(root)?);
    Ok(documents)
}

/// Files in `docs/integrations/` that nothing stands for any more.
fn left_over(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("docs/integrations");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let wanted = integrations::pages(root)?;
    let there = tree::files(&folder)?;
    Ok(there
        .iter()
        .map(|file| tree::shown(root, file))
        .filter(|name| !wanted.contains_key(name))
        .collect())
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
