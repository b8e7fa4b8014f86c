//! `cargo xtask secrets`: no secret is in the tree.
//!
//! Kingfisher knows the forms of the vendors' keys, and comes as a Python package into `.puente/tools/venv`;
//! `xtask/secrets/rules.toml` adds what it does not know. It reads what git tracks or would track, asks nobody whether a
//! key still opens a door, and prints no value. What looks like a secret and is none stands in
//! `xtask/secrets/allowed.toml`, with the reason; an entry that nothing needs any more is reported.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tree;

/// The package, pinned: a new version may judge differently.
const PACKAGE: &str = "kingfisher-bin==2.14.0";
/// What it ends with when it found nothing, or something.
const CLEAN: i32 = 0;
const FOUND: i32 = 200;
/// Most paths in one call, far below what a command line may hold.
const PORTION: usize = 2_000;

/// Something that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file, from the root on.
    pub path: String,
    /// The line.
    pub line: u64,
    /// The rule that it fits.
    pub rule: String,
    value: String,
}

/// Something that only looks like one.
#[derive(Debug)]
struct Allowed {
    path: String,
    begins: String,
}

/// Fails with one line per secret, and per entry of the list that nothing needs.
///
/// # Errors
/// When there are any, or the scanner cannot be had.
pub fn run(root: &Path) -> Result<()> {
    let files = tracked(root)?;
    let mut problems: Vec<String> = files
        .iter()
        .filter(|path| is_environment(path))
        .map(|path| format!("{path}: an environment's values are not kept in the tree"))
        .collect();
    let (secrets, idle) = sift(scan(root, root, &files)?, &allowed(root)?);
    problems.extend(secrets.iter().map(|found| {
        format!(
            "{}:{}: looks like a secret ({})",
            found.path, found.line, found.rule
        )
    }));
    problems.extend(
        idle.iter()
            .map(|path| format!("xtask/secrets/allowed.toml: nothing in {path} needs its entry")),
    );
    for problem in &problems {
        tree::say(problem);
    }
    if problems.is_empty() {
        tree::say(&format!("secrets: none in {} files", files.len()));
        return Ok(());
    }
    bail!("{} secrets, or what looks like them", problems.len())
}

/// Scans files, named from `folder` on; the scanner and its rules are those of the repository at `root`.
///
/// # Errors
/// When the scanner cannot be had, fails, or answers in another form.
pub fn scan(root: &Path, folder: &Path, files: &[String]) -> Result<Vec<Found>> {
    let program = tree::python_tool(root, PACKAGE, "kingfisher")?;
    let cache = root.join(".puente/tools/kingfisher");
    let mut found = Vec::new();
    for portion in files.chunks(PORTION) {
        let mut command = Command::new(&program);
        command
            .args(["scan", "--quiet", "--no-update-check", "--no-validate"])
            .args(["--git-history", "none", "--format", "json", "--no-dedup"])
            .arg("--rule-cache-dir")
            .arg(&cache)
            .arg("--rules-path")
            .arg(root.join("xtask/secrets/rules.toml"))
            .args(portion)
            .current_dir(folder);
        let output = command.output().context("starting kingfisher")?;
        match output.status.code() {
            Some(CLEAN | FOUND) => found.extend(read(&output.stdout)?),
            _ => bail!(
                "kingfisher failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
    }
    Ok(found)
}

fn read(report: &[u8]) -> Result<Vec<Found>> {
    let report: Value = serde_json::from_slice(report).context("the report of kingfisher")?;
    let findings = report.get("findings").and_then(Value::as_array);
    findings
        .context("the report of kingfisher lists no findings")?
        .iter()
        .map(|finding| {
            let text = |at: &str| finding.pointer(at).and_then(Value::as_str);
            let path = text("/finding/path").context("a finding names no file")?;
            Ok(Found {
                path: path.trim_start_matches("./").to_owned(),
                line: finding
                    .pointer("/finding/line")
                    .and_then(Value::as_u64)
                    .unwrap_or_default(),
                rule: text("/rule/id").unwrap_or("unnamed").to_owned(),
                value: text("/finding/snippet").unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// What is no exception, and the paths of exceptions that nothing needs.
fn sift(found: Vec<Found>, allowed: &[Allowed]) -> (Vec<Found>, Vec<String>) {
    let covers = |entry: &Allowed, found: &Found| {
        entry.path == found.path && found.value.starts_with(entry.begins.as_str())
    };
    let idle = allowed
        .iter()
        .filter(|entry| !found.iter().any(|found| covers(entry, found)))
        .map(|entry| entry.path.clone())
        .collect();
    let secrets = found
        .into_iter()
        .filter(|found| !allowed.iter().any(|entry| covers(entry, found)))
        .collect();
    (secrets, idle)
}

fn allowed(root: &Path) -> Result<Vec<Allowed>> {
    let list: toml::Table = tree::read(&root.join("xtask/secrets/allowed.toml"))?.parse()?;
    let entries = list.get("allowed").and_then(toml::Value::as_array);
    entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let text = |key: &str| {
                let text = entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
                if text.is_empty() {
                    bail!("xtask/secrets/allowed.toml: every entry says `{key}`");
                }
                Ok(text.to_owned())
            };
            text("reason")?;
            Ok(Allowed {
                path: text("path")?,
                begins: text("begins")?,
            })
        })
        .collect()
}

/// What git tracks, or would with the next `git add .`.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("starting git")?;
    if !output.status.success() {
        bail!("git does not list the tree's files");
    }
    let names = String::from_utf8(output.stdout).context("a file's name is no text")?;
    let mut files: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty() && root.join(name).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_environment(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let example = ["example", "sample", "template"]
        .iter()
        .any(|ending| name.ends_with(ending));
    !example && (name == ".env" || name.starts_with(".env."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_covers_its_file_and_its_value_and_is_reported_when_it_covers_nothing() {
        let found = |path: &str, value: &str| Found {
            path: path.to_owned(),
            line: 1,
            rule: "r".to_owned(),
            value: value.to_owned(),
        };
        let allow = |path: &str, begins: &str| Allowed {
            path: path.to_owned(),
            begins: begins.to_owned(),
        };
        let all = vec![found("a", "demo-1"), found("a", "real"), found("b", "demo-1")];
        let (secrets, idle) = sift(all, &[allow("a", "demo-"), allow("c", "demo-")]);
        assert_eq!(secrets, [found("a", "real"), found("b", "demo-1")]);
        assert_eq!(idle, ["c"]);
    }

    #[test]
    fn the_values_of_an_environment_are_none_of_the_tree_but_an_example_is() {
        assert!(is_environment(".env"));
        assert!(is_environment("services/orders/.env.production"));
        assert!(!is_environment("deploy/.env.example"));
        assert!(!is_environment("docs/env.md"));
    }
}
