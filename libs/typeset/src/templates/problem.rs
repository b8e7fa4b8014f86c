//! What is wrong with a tenant's file, and where.

use std::fmt;
use std::ops::Range;

/// One mistake in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateProblem {
    /// The file or folder.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl TemplateProblem {
    /// A mistake of the whole file.
    pub(crate) fn whole(file: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self {
            file: file.to_string(),
            line: None,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.reason),
            None => write!(f, "{}: {}", self.file, self.reason),
        }
    }
}

impl std::error::Error for TemplateProblem {}

/// A file under examination, and what was found in it.
pub(super) struct Examined<'a> {
    name: &'a str,
    text: &'a str,
    pub(super) found: Vec<TemplateProblem>,
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
    pub(super) fn at(&mut self, span: &Range<usize>, reason: impl fmt::Display) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        self.found.push(TemplateProblem {
            file: self.name.to_owned(),
            line: Some(before.matches('\n').count() + 1),
            reason: reason.to_string(),
        });
    }

    /// Notes a mistake at a word inside a place of the text: values may go over many lines.
    pub(super) fn at_word(&mut self, span: &Range<usize>, word: &str, reason: impl fmt::Display) {
        let inside = self.text.get(span.clone()).and_then(|text| text.find(word));
        let start = span.start + inside.unwrap_or(0);
        self.at(&(start..span.end), reason);
    }

    /// Notes what the reader of the format says.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        match error.span() {
            Some(span) => self.at(&span, error.message()),
            None => self
                .found
                .push(TemplateProblem::whole(self.name, error.message())),
        }
    }
}
