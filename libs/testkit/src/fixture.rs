//! Recorded cases: files `<case>.<ending>` of one folder, with their companions.

use std::path::{Path, PathBuf};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    path: PathBuf,
    ending: String,
}

/// All cases of a folder with this ending (`request`, `expected.json`), by name.
///
/// # Panics
/// When the folder is missing or has none: a test over nothing proves nothing.
#[must_use]
pub fn cases(folder: &Path, ending: &str) -> Vec<Case> {
    let dotted = format!(".{ending}");
    let entries = folder
        .read_dir()
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut cases: Vec<Case> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(&dotted)?.to_owned();
            Some(Case {
                name,
                path,
                ending: ending.to_owned(),
            })
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty(), "{} holds no case *{dotted}", folder.display());
    cases
}

impl Case {
    /// Its bytes, as they are.
    ///
    /// # Panics
    /// When the file cannot be read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        read(&self.path)
    }

    /// The companion with another ending, if there is one.
    #[must_use]
    pub fn companion(&self, ending: &str) -> Option<Vec<u8>> {
        let path = self.path.with_file_name(format!("{}.{ending}", self.name));
        path.exists().then(|| read(&path))
    }

    /// The ending it was found by.
    #[must_use]
    pub fn ending(&self) -> &str {
        &self.ending
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_found_with_their_companions() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b.request", "B"), ("a.request", "A"), ("a.expected.json", "{}")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = cases(folder.path(), "request");
        let names: Vec<_> = found.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(found[0].bytes(), b"A");
        assert_eq!(found[0].companion("expected.json").as_deref(), Some(&b"{}"[..]));
        assert_eq!(found[1].companion("expected.json"), None);
    }

    #[test]
    #[should_panic(expected = "holds no case")]
    fn an_empty_folder_is_a_failure() {
        let _ = cases(tempfile::tempdir().unwrap().path(), "request");
    }
}
