//! What was read, held against the truth.

use std::time::Duration;

use crate::manifest::Plate;

/// How one photograph went.
pub(crate) struct Outcome {
    pub(crate) plate: Plate,
    /// The serial that was picked, and how sure; none when nothing was.
    pub(crate) picked: Option<(String, f32)>,
    /// Whether the serial stands in one line of the text.
    pub(crate) read: bool,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

impl Outcome {
    /// Whether exactly the serial was picked: letters and digits compared, as for assets.
    pub(crate) fn right(&self) -> bool {
        self.picked
            .as_ref()
            .is_some_and(|(serial, _)| plain(serial) == plain(&self.plate.entry.serial))
    }

    /// The share of the serial's characters that the picked one has right.
    pub(crate) fn characters(&self) -> f64 {
        let truth: Vec<char> = plain(&self.plate.entry.serial).chars().collect();
        let picked: Vec<char> = self
            .picked
            .iter()
            .flat_map(|(serial, _)| plain(serial).chars().collect::<Vec<_>>())
            .collect();
        let wrong = changes(&truth, &picked).min(truth.len());
        1.0 - wrong as f64 / truth.len().max(1) as f64
    }
}

/// Letters and digits, as capitals.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// How many characters must be changed, left out or put in.
fn changes(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut above_left = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let change = above_left + usize::from(a != b);
            above_left = *cell;
            left = change.min(left + 1).min(above_left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_as_few_as_possible() {
        let count =
            |a: &str, b: &str| changes(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(count("AB12", "AB12"), 0);
        assert_eq!(count("AB12", "AB2"), 1);
        assert_eq!(count("AB12", "A812"), 1);
        assert_eq!(count("AB12", ""), 4);
        assert_eq!(count("KITTEN", "SITTING"), 3);
    }
}
