//! What is wrong with a skill file, and where.

use std::fmt;
use std::ops::Range;

/// One mistake in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The key that is wrong; empty when the file as a whole is.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Problem {}

/// A file under examination, and what was found in it.
pub(super) struct Examined<'a> {
    name: &'a str,
    text: &'a str,
    pub(super) found: Vec<Problem>,
}

impl<'a> Examined<'a> {
    pub(super) const fn new(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            text,
            found: Vec::new(),
        }
    }

    /// Notes a mistake at a place of the text.
    pub(super) fn at(&mut self, span: &Range<usize>, key: impl Into<String>, reason: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.push(Some(line), key.into(), reason.into());
    }

    /// Notes a mistake of the whole file.
    pub(super) fn whole(&mut self, key: impl Into<String>, reason: impl Into<String>) {
        self.push(None, key.into(), reason.into());
    }

    /// Notes what the reader of the format says.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        match error.span() {
            Some(span) => self.at(&span, "", error.message()),
            None => self.whole("", error.message()),
        }
    }

    fn push(&mut self, line: Option<usize>, key: String, reason: String) {
        self.found.push(Problem {
            file: self.name.to_owned(),
            line,
            key,
            reason,
        });
    }
}
