//! The code map of `ARCHITECTURE.md`, and every path that a document names.
//!
//! The map is the fenced block under the heading "Code map": a path, two spaces or more, what it is. Deeper entries
//! are indented and continue the path above them. Each must exist, and every crate must be there.

use std::path::Path;

use anyhow::{Context, Result};

use super::documents;
use crate::tree;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// Where the crates are.
const AREAS: [&str; 4] = ["apps", "libs", "services", "tests"];
/// A word between backticks that begins with one of these and has a `/` is a path of this repository.
const ROOTS: [&str; 13] = [
    "apps/",
    "libs/",
    "services/",
    "tests/",
    "xtask/",
    "proto/",
    "migrations/",
    "docs/",
    "fuzz/",
    ".ci/",
    ".config/",
    ".cargo/",
    "CHANGELOG.d/",
];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let text = tree::read(&root.join(DOCUMENT))?;
    let listed = entries(&text).with_context(|| format!("{DOCUMENT} has no code map"))?;
    let mut problems: Vec<String> = listed
        .iter()
        .filter(|(_, path)| !root.join(path).exists())
        .map(|(line, path)| format!("{DOCUMENT}:{line}: `{path}` is on the code map, but not in the tree"))
        .collect();
    for area in AREAS {
        for name in tree::folders(&root.join(area)) {
            let path = format!("{area}/{name}");
            let is_crate = root.join(&path).join("Cargo.toml").is_file();
            if is_crate && !listed.iter().any(|(_, entry)| *entry == path) {
                problems.push(format!(
                    "{DOCUMENT}: the crate `{path}` is missing from the code map"
                ));
            }
        }
    }
    for (name, text) in documents(root)? {
        problems.extend(
            named_paths(&text)
                .filter(|(_, path)| !root.join(path).exists())
                .map(|(line, path)| format!("{name}:{line}: `{path}` does not exist")),
        );
    }
    Ok(problems)
}

/// Line and path of each entry of the map; `None` when there is no map.
fn entries(text: &str) -> Option<Vec<(usize, String)>> {
    let mut lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.eq_ignore_ascii_case("## code map"));
    lines.next()?;
    let block = lines
        .skip_while(|(_, line)| !line.starts_with("```"))
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("```"));
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for (at, line) in block.filter(|(_, line)| !line.trim().is_empty()) {
        let depth = line.len() - line.trim_start().len();
        let name = line.split_whitespace().next()?;
        above.retain(|(outer, _)| *outer < depth);
        let parent = above
            .last()
            .map(|(_, path)| format!("{path}/"))
            .unwrap_or_default();
        let path = format!("{parent}{}", name.trim_end_matches('/'));
        above.push((depth, path.clone()));
        found.push((at + 1, path));
    }
    Some(found)
}

/// The paths between backticks. Patterns (`<x>`, `*`, `…`, `{`) are for people.
fn named_paths(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(at, line)| {
        line.split('`').skip(1).step_by(2).filter_map(move |word| {
            let word = word.split_once(':').map_or(word, |(path, _)| path);
            let plain = !word.contains(['<', '*', '…', '{', ' ', '$'])
                && ROOTS.iter().any(|root| word.starts_with(root));
            plain.then_some((at + 1, word.trim_end_matches('/')))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_read_with_its_indentation() {
        let text = "# A\n## Code map\nwords\n```text\nlibs/\n  types/     values\n  bus/src/   road\nxtask/   kitchen\n```\n";
        let paths: Vec<_> = entries(text).unwrap().into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, ["libs", "libs/types", "libs/bus/src", "xtask"]);
        assert_eq!(entries("# A"), None);
    }

    #[test]
    fn paths_between_backticks_are_found_and_patterns_are_not() {
        let text = "see `libs/types/src/nit.rs:12`, `libs/<x>/src`, `cargo run`, `docs/adr/`";
        assert_eq!(
            named_paths(text).map(|(_, path)| path).collect::<Vec<_>>(),
            ["libs/types/src/nit.rs", "docs/adr"]
        );
    }
}
