//! Commands that documents tell people to type exist.

use std::path::Path;

use anyhow::Result;

use super::documents;
use crate::tree;

/// The file with xtask's subcommands.
const XTASK: &str = "xtask/src/main.rs";

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let targets = targets(&tree::read(&root.join("Makefile"))?);
    let xtask = subcommands(&tree::read(&root.join(XTASK))?);
    let mut problems = Vec::new();
    for (name, text) in documents(root)? {
        for (line, command) in commands(&text) {
            let mut words = command.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("make"), Some(target), _)
                    if !target.starts_with('#')
                        && !target.contains('=')
                        && !targets.iter().any(|t| t == target) =>
                {
                    problems.push(format!(
                        "{name}:{line}: `make {target}` is no target of the Makefile"
                    ));
                }
                (Some("cargo"), Some("xtask"), Some(task))
                    if !task.starts_with(['<', '-']) && !xtask.iter().any(|t| t == task) =>
                {
                    problems.push(format!("{name}:{line}: `cargo xtask {task}` does not exist"));
                }
                _ => {}
            }
        }
    }
    Ok(problems)
}

/// The targets of a Makefile.
fn targets(makefile: &str) -> Vec<String> {
    let target = |line: &str| {
        let (name, _) = line.split_once(':')?;
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        plain.then(|| name.to_owned())
    };
    makefile.lines().filter_map(target).collect()
}

/// The variants of `enum Command`, as clap spells them.
fn subcommands(source: &str) -> Vec<String> {
    let body = source
        .split("enum Command {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next())
        .unwrap_or_default();
    let variant = |line: &str| {
        let name = line.strip_prefix("    ")?.split([' ', ',', '{']).next()?;
        name.starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| kebab(name))
    };
    body.lines().filter_map(variant).collect()
}

/// `CheckDocs` → `check-docs`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Lines of shell blocks, and words between backticks.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push((at + 1, line.trim().trim_start_matches("$ ").to_owned()));
        } else {
            found.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|word| (at + 1, word.to_owned())),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_subcommands_are_read_from_their_sources() {
        assert_eq!(
            targets("# x\n.PHONY: a\na: b ## text\n\tcargo x: y\nfmt-check:\n"),
            ["a", "fmt-check"]
        );
        let source = "enum Command {\n    /// Doc\n    NewProvider {\n        slug: String,\n    },\n    CheckDocs,\n}\n";
        assert_eq!(subcommands(source), ["new-provider", "check-docs"]);
    }

    #[test]
    fn commands_are_found_in_blocks_and_in_sentences() {
        let found = commands("Type `make demo`.\n```sh\n$ make up\n```\n");
        assert_eq!(found, [(1, "make demo".to_owned()), (3, "make up".to_owned())]);
    }
}
