//! The parts of a line: a label, a value, or both beside each other; engines often give two columns as one line.

use puente_ports::TextLine;

use super::label::{self, Kind};
use super::place::{Box, upright};
use super::shape::{Shape, compact, shape};

/// The longest word that may be a scrap of a label.
const SCRAP: usize = 6;

/// A part of a line.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// The line it is of.
    pub(crate) line: usize,
    pub(crate) place: Box,
    pub(crate) label: Option<Label>,
    pub(crate) value: Option<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// With its blanks.
    pub(crate) raw: String,
    pub(crate) characters: Vec<(char, f32)>,
    pub(crate) shape: Shape,
}

impl Value {
    /// What it looks like at a label of serial numbers: letters that makers leave out are digits there.
    pub(crate) fn labelled_shape(&self) -> Shape {
        if self.shape != Shape::Other || self.raw.contains(' ') {
            return self.shape;
        }
        let text: String = self
            .characters
            .iter()
            .map(|(c, _)| match c {
                'O' | 'Q' => '0',
                'I' => '1',
                other => *other,
            })
            .collect();
        shape(&text, &text)
    }

    fn of(characters: &[(char, f32)]) -> Option<Self> {
        let raw: String = characters.iter().map(|(c, _)| *c).collect();
        let own = compact(characters);
        let text: String = own.iter().map(|(c, _)| *c).collect();
        (!own.is_empty()).then(|| Self {
            shape: shape(&raw, &text),
            raw: raw.trim().to_owned(),
            characters: own,
        })
    }
}

/// The parts of a line.
pub(crate) fn segments(index: usize, line: &TextLine, direction: f32) -> Vec<Segment> {
    let sure = line
        .characters
        .iter()
        .copied()
        .chain(std::iter::repeat(line.confidence));
    let characters: Vec<(char, f32)> = line.text.chars().zip(sure).collect();
    let whole = upright(&line.corners, direction);
    let count = characters.len().max(1) as f32;
    let part = |from: usize, to: usize| Box {
        left: whole.left + (whole.right - whole.left) * from as f32 / count,
        right: whole.left + (whole.right - whole.left) * to as f32 / count,
        ..whole
    };
    let mut cuts = cuts(&characters);
    cuts.push(characters.len());
    let mut found = Vec::new();
    for pair in cuts.windows(2) {
        let [from, to] = *pair else { continue };
        let own: Vec<(char, f32)> = characters.iter().skip(from).take(to - from).copied().collect();
        let text: String = own.iter().map(|(c, _)| *c).collect();
        let matched = label::at_beginning(&text).filter(|found| is_label(&text, found));
        let taken = matched.map_or(0, |found| found.taken);
        let rest = own.get(taken..).unwrap_or_default();
        let value = Value::of(if matched.is_none() {
            behind_words(rest)
        } else {
            rest
        });
        found.push(Segment {
            line: index,
            place: part(from, to),
            label: matched.map(|found| Label {
                kind: found.kind,
                text: text
                    .chars()
                    .take(found.taken)
                    .collect::<String>()
                    .trim()
                    .to_owned(),
            }),
            value,
        });
    }
    found
}

/// What stands behind words that are no known label, where these are words and it looks like a value: a label may have been
/// misread beyond recognition.
fn behind_words(text: &[(char, f32)]) -> &[(char, f32)] {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '.');
    let last = text.iter().rposition(|(c, _)| *c == ' ').map_or(0, |at| at + 1);
    let (before, behind) = text.split_at(last);
    let words =
        !before.iter().any(|(c, _)| c.is_ascii_digit()) && before.iter().any(|(c, _)| c.is_alphabetic());
    let digits = behind.iter().filter(|(c, _)| c.is_ascii_digit()).count();
    let long = behind.len() >= 8 || !before.iter().all(|(c, _)| plain(*c) || *c == ' ');
    let dated = behind.iter().any(|(c, _)| *c == '/');
    let text_behind: String = behind.iter().map(|(c, _)| c.to_ascii_uppercase()).collect();
    let known = !matches!(shape(&text_behind, &text_behind), Shape::Serial(_) | Shape::Other);
    if words && known {
        return behind;
    }
    // A label in small print may be misread as scraps of letters and digits; in front of a whole serial number, they are none
    // of its groups.
    let scraps = before.split(|(c, _)| *c == ' ').all(|word| word.len() <= SCRAP);
    let whole = matches!(shape(&text_behind, &text_behind), Shape::Serial(3));
    if scraps
        && whole
        && before.iter().any(|(c, _)| c.is_ascii_lowercase())
        && behind.iter().all(|(c, _)| plain(*c))
    {
        return behind;
    }
    if words && digits >= 2 && (long || dated) && behind.iter().all(|(c, _)| plain(*c)) {
        behind
    } else {
        text
    }
}

/// What stands behind a label has digits, else both are one text: POWER in front of LINE is a name. Behind a clear label of
/// serial numbers, a word in capitals will do: its digits may have been read as letters.
fn is_label(text: &str, found: &label::Match) -> bool {
    let rest: Vec<char> = text.chars().skip(found.taken).collect();
    let word = rest.len() >= 6 && rest.iter().all(|c| c.is_ascii_uppercase() || *c == '-');
    rest.iter().all(|c| !c.is_alphanumeric())
        || rest.iter().any(char::is_ascii_digit)
        || (found.kind == Kind::Serial && found.wrong == 0 && word)
}

/// Where parts begin: at the line's beginning, at each word that begins a label behind a value, and where another column's
/// value stands behind a whole serial number.
fn cuts(characters: &[(char, f32)]) -> Vec<usize> {
    let mut cuts = vec![0];
    let text: Vec<char> = characters.iter().map(|(c, _)| *c).collect();
    let mut begun = 0;
    for (at, pair) in text.windows(2).enumerate() {
        let [' ', _] = pair else { continue };
        let at = at + 1;
        let before = text.get(begun..at).unwrap_or_default();
        let rest: String = text.iter().skip(at).collect();
        let labelled =
            label::at_beginning(&rest).is_some_and(|found| is_label(&rest, &found) && found.wrong == 0);
        if before.iter().any(char::is_ascii_digit) && (labelled || of_another(before, &rest)) {
            cuts.push(at);
            begun = at;
        }
    }
    cuts
}

/// Whether the word in front is a whole serial number by itself, and the next one is known as something else: a date, a
/// voltage, a class of protection. Serial numbers in groups have shorter ones.
fn of_another(before: &[char], rest: &str) -> bool {
    let before: String = before.iter().collect();
    let word = before.split_whitespace().next_back().unwrap_or_default();
    let label = label::at_beginning(word).map_or(0, |found| found.taken);
    let own: String = word.chars().skip(label).collect::<String>().to_ascii_uppercase();
    let next = rest.split(' ').next().unwrap_or_default().to_ascii_uppercase();
    own.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && matches!(shape(&own, &own), Shape::Serial(3))
        && !matches!(
            shape(&next, &next),
            Shape::Serial(_) | Shape::Other | Shape::Phone
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let line = TextLine {
            text: text.to_owned(),
            corners: [(0.0, 0.0), (300.0, 0.0), (300.0, 20.0), (0.0, 20.0)],
            confidence: 0.9,
            characters: vec![0.9; text.chars().count()],
        };
        let found = segments(0, &line, 0.0).into_iter();
        found
            .filter_map(|part| part.value.map(|value| value.raw))
            .collect()
    }

    #[test]
    fn the_value_of_the_next_column_is_cut_off() {
        assert_eq!(values("2021W153986 66"), ["2021W153986", "66"]);
        assert_eq!(values("S/N:2021W153986 IP65"), ["2021W153986", "IP65"]);
        assert_eq!(values("S/N 2021W153986 07/2021"), ["2021W153986", "07/2021"]);
        assert_eq!(values("S/N AB 123 456"), ["AB 123 456"]);
        assert_eq!(values("EN8XL5FK9 Z50X"), ["EN8XL5FK9 Z50X"]);
    }

    #[test]
    fn scraps_of_a_misread_label_are_no_groups_of_the_value() {
        assert_eq!(values("No. d0 35F i7 2010Y577533"), ["2010Y577533"]);
        assert_eq!(values("AB 123 45678"), ["AB 123 45678"]);
    }
}
