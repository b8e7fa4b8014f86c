//! The version that a program prints.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Major and minor; what comes after does not matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// Before the first dot.
    pub(crate) major: u32,
    /// After it.
    pub(crate) minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl From<[u32; 2]> for Version {
    fn from([major, minor]: [u32; 2]) -> Self {
        Self { major, minor }
    }
}

impl Version {
    /// Asks the program. `None` when it does not start or prints no version.
    pub(crate) fn ask(program: &Path) -> Option<Self> {
        let output = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Self::find(&String::from_utf8_lossy(&output.stdout))
    }

    /// The first word that looks like a version: `nats-server: v2.15.1`, `postgres (PostgreSQL) 18beta2`.
    fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let word = word.strip_prefix('v').unwrap_or(word);
            let mut parts = word.split('.');
            let mut number = || {
                let digits: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u32>().ok()
            };
            let major = number()?;
            Some(Self {
                major,
                minor: number().unwrap_or(0),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (text, version) in [
            ("nats-server: v2.15.1\n", Some([2, 15])),
            (
                "postgres (PostgreSQL) 18.6 (Debian 18.6-1.pgdg12+1)\n",
                Some([18, 6]),
            ),
            ("postgres (PostgreSQL) 19beta1\n", Some([19, 0])),
            ("no version here", None),
        ] {
            assert_eq!(Version::find(text), version.map(Version::from), "{text}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(Version::ask(Path::new("/nowhere/postgres")), None);
    }
}
