//! A reading as it is kept: everything that was seen in a photograph, whatever engine saw it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::reading::{Flaw, Likely, Outcome, permille};
use crate::domain::serial::Serial;

/// Candidates, lines and facts that are kept of one photograph; a plate has far fewer.
pub(crate) const MOST_CANDIDATES: usize = 10;
pub(crate) const MOST_LINES: usize = 200;
/// Characters of a line that are kept.
pub(crate) const LONGEST_LINE: usize = 200;

/// What was read.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) candidates: Vec<Candidate>,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) facts: BTreeMap<String, String>,
    /// The worst first.
    #[serde(default)]
    pub(crate) flaws: Vec<String>,
}

/// A serial that it may be; confidences are 0 to 1.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    pub(crate) serial: String,
    pub(crate) confidence: f32,
    pub(crate) characters: Vec<f32>,
    pub(crate) label: String,
    pub(crate) corners: Vec<f32>,
}

/// A line of text.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) confidence: f32,
    pub(crate) corners: Vec<f32>,
}

/// An engine that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) engine: String,
    pub(crate) code: String,
    pub(crate) tag: String,
}

/// What stands on a plate reaches no log by way of `{:?}`.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("candidates", &self.candidates.len())
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}

impl Reading {
    /// The likeliest that can be a serial at all.
    pub(crate) fn likeliest(&self) -> Option<(Likely, &Candidate)> {
        self.candidates.iter().find_map(|candidate| {
            let serial = Serial::read(&candidate.serial).ok()?;
            let permille = permille(candidate.confidence);
            Some((Likely { serial, permille }, candidate))
        })
    }

    /// What it means for the capture.
    pub(crate) fn outcome(&self, engine: &str) -> Outcome {
        Outcome::Read {
            likely: self.likeliest().map(|(likely, _)| likely),
            facts: self.facts.clone(),
            flaws: self.flaws.iter().filter_map(|name| Flaw::named(name)).collect(),
            engine: engine.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(serial: &str, confidence: f32) -> Candidate {
        Candidate {
            serial: serial.to_owned(),
            confidence,
            characters: Vec::new(),
            label: String::new(),
            corners: Vec::new(),
        }
    }

    #[test]
    fn the_first_that_can_be_a_serial_counts() {
        let reading = Reading {
            candidates: vec![candidate("SN-G-000001", 0.99), candidate("abc 123456", 0.951)],
            flaws: vec!["dark".to_owned(), "unheard_of".to_owned()],
            ..Reading::default()
        };
        let Outcome::Read { likely, flaws, .. } = reading.outcome("embedded") else {
            panic!("it was read");
        };
        let likely = likely.unwrap();
        assert_eq!((likely.serial.as_str(), likely.permille), ("ABC123456", 951));
        assert_eq!(flaws, [Flaw::Dark]);
    }
}
