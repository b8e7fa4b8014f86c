//! `docs/requirements.md`: every test that is said to hold a requirement is there.
//!
//! A row of the table names files and, after each, tests in it, all between backticks: a word with a `/` is a file. Tests are
//! functions, or sentences where they are written for a browser.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::tree;

const DOCUMENT: &str = "docs/requirements.md";

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let text = tree::read(&root.join(DOCUMENT))?;
    Ok(judge(&text, &|file, test| {
        let source = tree::read(&root.join(file)).unwrap_or_default();
        source.contains(&format!("fn {test}(")) || source.contains(&format!("test(\"{test}\""))
    }))
}

/// What is wrong with the table, given whether a file has a test.
#[must_use]
pub fn judge(text: &str, has: &dyn Fn(&str, &str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, row) in (1..).zip(text.lines()) {
        let Some((id, rest)) = row.strip_prefix("| ").and_then(|row| row.split_once(" | ")) else {
            continue;
        };
        if !is_id(id) {
            continue;
        }
        if !seen.insert(id) {
            problems.push(format!("{DOCUMENT}:{line}: {id} stands there twice"));
        }
        let mut file = "";
        let mut tests = 0;
        for word in rest.split('`').skip(1).step_by(2) {
            if word.contains('/') {
                file = word;
            } else if has(file, word) {
                tests += 1;
            } else {
                problems.push(format!("{DOCUMENT}:{line}: {id}: `{file}` has no test `{word}`"));
            }
        }
        if tests == 0 {
            problems.push(format!("{DOCUMENT}:{line}: {id} is held by no test"));
        }
    }
    problems
}

/// `SIG-06`.
fn is_id(word: &str) -> bool {
    let Some((area, number)) = word.split_once('-') else {
        return false;
    };
    area.len() == 3
        && area.bytes().all(|byte| byte.is_ascii_uppercase())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
