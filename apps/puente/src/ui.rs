//! What people see: plain lines and tables on standard output, errors on standard error.
//!
//! Colour only on a terminal and without `NO_COLOR`. Nothing else in this program writes to the terminal. A
//! reader that went away (a closed pipe) is no error.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

/// The terminal, or whatever stands in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    colour: bool,
    terminal: bool,
}

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A heading.
    Strong,
    /// Beside the point.
    Dim,
    /// As hoped for.
    Good,
    /// To be noticed: something was refused, on purpose.
    Notice,
    /// Wrong.
    Bad,
}

impl Ui {
    /// Looks at the terminal and the environment; `plain` means no colour and nothing that moves.
    pub(crate) fn detect(plain: bool) -> Self {
        let terminal = std::io::stdout().is_terminal() && !plain;
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour: terminal && wanted,
            terminal,
        }
    }

    /// Whether something may move: bars, spinners.
    pub(crate) fn moves(&self) -> bool {
        self.terminal
    }

    /// One line.
    pub(crate) fn line(&self, text: &str) {
        let _ = self.printed(text);
    }

    /// One line; false when nobody reads any more.
    pub(crate) fn printed(&self, text: &str) -> bool {
        writeln!(std::io::stdout().lock(), "{text}").is_ok()
    }

    /// Something to know besides, on standard error: the output itself stays for programs.
    pub(crate) fn note(&self, text: &str) {
        let text = if std::io::stderr().is_terminal() {
            self.paint(Tone::Dim, text)
        } else {
            text.to_owned()
        };
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A line that starts a section.
    pub(crate) fn heading(&self, text: &str) {
        self.line(&self.paint(Tone::Strong, text));
    }

    /// What went wrong.
    pub(crate) fn error(&self, text: &str) {
        let word = if std::io::stderr().is_terminal() {
            self.paint(Tone::Bad, "error:")
        } else {
            "error:".to_owned()
        };
        let _ = writeln!(std::io::stderr().lock(), "{word} {text}");
    }

    /// Text in its tone, where colours are shown.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Notice => "33",
            Tone::Bad => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Rows in columns that are as wide as they need; the first row is the heading unless it is empty.
    pub(crate) fn table(&self, heading: &[&str], rows: &[Vec<String>]) {
        let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
        let all = || {
            std::iter::once(&heading)
                .chain(rows)
                .filter(|row| !row.is_empty())
        };
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            all()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (at, row) in all().enumerate() {
            let mut text = String::from(" ");
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(text, " {cell:<width$} ");
            }
            let text = text.trim_end();
            let is_heading = at == 0 && !heading.is_empty();
            self.line(&if is_heading {
                self.paint(Tone::Strong, text)
            } else {
                text.to_owned()
            });
        }
    }
}

/// Text from outside on one line: controls would move the cursor, or forge lines.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
