//! Which of a plate's text is the serial number.
//!
//! Lines are cut into labels and values, and each label gets the value in its line, beside it, or below it, in the text's own
//! frame. What stands at a label of serial numbers is the candidate; what stands at another label, or looks like a date, a
//! voltage or a part's number, is none, but a fact. Where no such label was read, what looks like a serial number is one.

mod confusable;
mod facts;
mod label;
mod place;
mod segment;
mod shape;
mod trust;

use std::collections::BTreeMap;

use puente_ports::TextRead;

use self::confusable::{Fit, ambiguous, settle};
use self::facts::facts;
use self::label::Kind;
use self::place::{cost, direction};
use self::segment::{Segment, Value, segments};
use self::shape::Shape;
use self::trust::{Evidence, confidence};
use crate::Patterns;

/// Who read the text: each engine's confidences mean something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Our own models.
    Embedded,
    /// Azure Vision.
    AzureVision,
    /// Google Vision.
    GoogleVision,
    /// Whoever else.
    Other,
}

/// What was understood of a plate's text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// What may be the serial number, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// What else was understood: `brand`, `model`, `voltage`, `power`, `date`, `part`.
    pub facts: BTreeMap<String, String>,
}

/// What may be the serial number.
#[derive(Clone, PartialEq)]
pub struct Candidate {
    /// As it stands on the plate, without blanks.
    pub serial: String,
    /// How likely it is to be the serial number, and all of it right: 0 to 1.
    pub confidence: f32,
    /// How sure each character of `serial` is, 0 to 1.
    pub characters: Vec<f32>,
    /// The label that it stands beside or below, as it was read; empty where there was none.
    pub label: String,
    /// The four corners of the line it stands in, in pixels of the picture, clockwise from the top left of the text.
    pub corners: [(f32, f32); 4],
}

// What stands on a plate is a customer's: it is not for logs.
impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate")
            .field("confidence", &self.confidence)
            .field("corners", &self.corners)
            .finish_non_exhaustive()
    }
}

/// The most candidates that are given.
const MAX_CANDIDATES: usize = 5;

/// Finds the serial number in what an engine read. Pure.
#[must_use]
pub fn find(text: &TextRead, patterns: &Patterns, source: Source) -> Found {
    let corners: Vec<_> = text.lines.iter().map(|line| line.corners).collect();
    let frame = direction(&corners);
    let segments: Vec<Segment> = text
        .lines
        .iter()
        .enumerate()
        .flat_map(|(index, line)| segments(index, line, frame))
        .collect();
    let paired = pair(&segments);
    let mut chosen: Vec<(f32, usize, Candidate)> = Vec::new();
    let others: Vec<usize> = paired
        .iter()
        .filter(|p| p.kind != Kind::Serial)
        .map(|p| p.value)
        .collect();
    let rivals = segments.iter().enumerate().filter(|(index, segment)| {
        !others.contains(index) && matches!(segment.value.as_ref().map(|v| v.shape), Some(Shape::Serial(_)))
    });
    let rivals = rivals.count().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        let Some(value) = segment.value.as_ref().filter(|_| !others.contains(&index)) else {
            continue;
        };
        let pair = paired.iter().find(|pair| pair.value == index);
        let shape = if pair.is_some() {
            value.labelled_shape()
        } else {
            value.shape
        };
        if !may_be(shape, pair.is_some()) {
            continue;
        }
        let mut characters = value.characters.clone();
        let ambiguous = ambiguous(&characters);
        let fit = settle(&mut characters, patterns);
        let evidence = Evidence {
            sure: characters.iter().map(|(_, sure)| *sure).product(),
            least: characters.iter().map(|(_, sure)| *sure).fold(1.0, f32::min),
            label: pair.map(|pair| pair.cost),
            shape,
            rivals,
            fit,
            ambiguous,
            source,
        };
        let label = pair.and_then(|pair| segments.get(pair.label)?.label.as_ref());
        let candidate = Candidate {
            serial: characters.iter().map(|(c, _)| *c).collect(),
            confidence: confidence(&evidence),
            characters: characters.iter().map(|(_, sure)| *sure).collect(),
            label: label.map(|label| label.text.clone()).unwrap_or_default(),
            corners: corners.get(segment.line).copied().unwrap_or_default(),
        };
        chosen.push((rank(&evidence), index, candidate));
    }
    chosen.sort_by(|a, b| b.0.total_cmp(&a.0));
    chosen.truncate(MAX_CANDIDATES);
    let serials: Vec<usize> = chosen.iter().take(1).map(|(_, index, _)| *index).collect();
    let labelled: Vec<(usize, Kind)> = paired.iter().map(|pair| (pair.value, pair.kind)).collect();
    Found {
        facts: facts(&segments, &labelled, &serials),
        candidates: chosen.into_iter().map(|(_, _, candidate)| candidate).collect(),
    }
}

/// A label and its value.
struct Pair {
    label: usize,
    value: usize,
    kind: Kind,
    cost: f32,
}

/// Gives each label its value: the one in its own line, else the nearest beside or below; none is given twice.
fn pair(segments: &[Segment]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (label, own) in segments.iter().enumerate() {
        let Some(kind) = own.label.as_ref().map(|label| label.kind) else {
            continue;
        };
        if own.value.is_some() {
            pairs.push(Pair {
                label,
                value: label,
                kind,
                cost: 0.0,
            });
            continue;
        }
        for (value, other) in segments.iter().enumerate() {
            let free = value != label && other.label.is_none() && other.value.is_some();
            if let Some(cost) = free.then(|| cost(&own.place, &other.place)).flatten() {
                let odd = other.value.as_ref().is_some_and(|value| !suits(kind, value));
                pairs.push(Pair {
                    label,
                    value,
                    kind,
                    cost: cost + if odd { 1.0 } else { 0.0 },
                });
            }
        }
    }
    pairs.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut taken: Vec<Pair> = Vec::new();
    for pair in pairs {
        if !taken
            .iter()
            .any(|own| own.label == pair.label || own.value == pair.value)
        {
            taken.push(pair);
        }
    }
    taken
}

/// Whether a value of this shape may stand at a label of this kind.
fn suits(kind: Kind, value: &Value) -> bool {
    let shape = value.shape;
    match kind {
        Kind::Serial => may_be(value.labelled_shape(), true),
        Kind::Voltage | Kind::Current => matches!(shape, Shape::Voltage | Shape::Other),
        Kind::Power => matches!(shape, Shape::Power | Shape::Other),
        Kind::Date => matches!(shape, Shape::Date | Shape::Other),
        Kind::Protection => matches!(shape, Shape::Protection | Shape::Other),
        Kind::Part => matches!(shape, Shape::Part | Shape::Serial(_) | Shape::Model),
        Kind::Brand | Kind::Model | Kind::Other => {
            !matches!(shape, Shape::Voltage | Shape::Power | Shape::Date)
        }
    }
}

fn may_be(shape: Shape, labelled: bool) -> bool {
    match shape {
        Shape::Serial(_) => true,
        Shape::Part | Shape::Model | Shape::Phone => labelled,
        Shape::Date | Shape::Voltage | Shape::Power | Shape::Protection | Shape::Other => false,
    }
}

/// The order of candidates: one at a label goes before one without.
fn rank(evidence: &Evidence) -> f32 {
    let label = evidence.label.map_or(0.0, |cost| 3.0 - cost.min(1.0));
    let shape = match evidence.shape {
        Shape::Serial(usual) => f32::from(usual) * 0.5,
        _ => 0.0,
    };
    let fit = match evidence.fit {
        Fit::Fits(_) => 3.0,
        Fit::Unknown => 0.0,
        Fit::Misfit => -0.5,
    };
    label + shape + fit + evidence.sure
}
