//! The bot's skills as files: read, checked, and exchanged without a rebuild or a restart.
//!
//! A file is looked for in `<skills_dir>/<tenant>/`, then in `<skills_dir>/default/`, then among the files that are
//! compiled in. A set is used as a whole or not at all: while a file is wrong, the last good set stays in use and the
//! problems are told with file, line and key.

mod build;
mod file;
mod library;
mod problem;

pub use file::{FileSource, Files};
pub use library::Library;
pub use problem::Problem;

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::skill::SkillSet;

/// What a folder of skills holds, when all of it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Each set by the name of its folder, with its skills and their versions.
    pub sets: Vec<(String, Vec<(String, u32)>)>,
    /// Every text that notifications must know, by key.
    pub texts: BTreeSet<String>,
}

/// Checks every set of a folder as the service would read it.
///
/// # Errors
/// Every problem of every file.
pub fn check(dir: &Path) -> Result<Summary, Vec<Problem>> {
    let tenants = file::tenants(dir).map_err(|problem| vec![problem])?;
    let mut summary = Summary {
        sets: Vec::new(),
        texts: BTreeSet::new(),
    };
    let mut problems = Vec::new();
    for tenant in tenants {
        match load(&Files::of_tenant(Some(dir), &tenant)) {
            Ok(set) => {
                let skills = set
                    .skills
                    .values()
                    .map(|skill| (skill.name.clone(), skill.version))
                    .collect();
                summary.texts.extend(set.texts().into_iter().map(str::to_owned));
                summary.sets.push((tenant, skills));
            }
            Err(found) => problems.extend(found),
        }
    }
    // A wrong file of the default set is found by every tenant that falls back on it.
    problems.sort();
    problems.dedup();
    if problems.is_empty() {
        Ok(summary)
    } else {
        Err(problems)
    }
}

/// The set that is compiled in.
///
/// # Errors
/// Never in a build that passed its tests.
pub fn embedded() -> Result<SkillSet, Vec<Problem>> {
    load(&Files::of_tenant(None, "default"))
}

/// Reads a set.
///
/// # Errors
/// Every problem found, not only the first.
pub fn load(files: &Files) -> Result<SkillSet, Vec<Problem>> {
    build::build(files)
}

#[cfg(test)]
#[path = "skills/tests.rs"]
mod tests;
