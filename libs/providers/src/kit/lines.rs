//! Lines of text out of what an engine says about words.
//!
//! Engines rate words or symbols, never lines: a line is as sure as its least sure word. What an engine does not rate
//! counts as not sure at all, so that nothing is ever accepted on its account.

use puente_ports::TextLine;

/// Most lines of one picture: a plate has ten, a page of print a hundred.
pub(crate) const MAX_LINES: usize = 1000;
/// Most characters of one line.
const MAX_LINE: usize = 500;

/// Four corners, clockwise from the top left of the text.
pub(crate) type Corners = [(f32, f32); 4];

/// A word of a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    /// Its characters, each as sure as the engine is of it.
    pub(crate) characters: Vec<(char, f32)>,
    /// How sure the engine is of the whole word.
    pub(crate) confidence: f32,
    /// Where it stands.
    pub(crate) corners: Option<Corners>,
    /// Whether a blank stands between this word and the next.
    pub(crate) blank_after: bool,
}

impl Word {
    /// A word that is rated as a whole.
    pub(crate) fn rated(text: &str, confidence: f32, corners: Option<Corners>) -> Self {
        Self {
            characters: printed(text).map(|c| (c, confidence)).collect(),
            confidence,
            corners,
            blank_after: true,
        }
    }
}

/// The characters of a text that stand in the picture: no blanks, no control characters.
pub(crate) fn printed(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control())
}

/// A line of its words; `None` when they hold no character. `corners` are those of the whole line, if the engine says.
pub(crate) fn line(words: &[Word], corners: Option<Corners>) -> Option<TextLine> {
    let (mut text, mut characters) = (String::new(), Vec::new());
    let mut blank = false;
    for word in words.iter().filter(|word| !word.characters.is_empty()) {
        if blank {
            text.push(' ');
            characters.push(1.0);
        }
        for (c, confidence) in &word.characters {
            if characters.len() < MAX_LINE {
                text.push(*c);
                characters.push(*confidence);
            }
        }
        blank = word.blank_after && characters.len() < MAX_LINE;
    }
    let rated = words.iter().filter(|word| !word.characters.is_empty());
    let confidence = rated.map(|word| word.confidence).reduce(f32::min)?;
    Some(TextLine {
        text,
        corners: corners.or_else(|| around(words)).unwrap_or_default(),
        confidence,
        characters,
    })
}

/// From the first word's beginning to the last word's end, which also holds for text that runs at an angle.
fn around(words: &[Word]) -> Option<Corners> {
    let mut placed = words.iter().filter_map(|word| word.corners);
    let first = placed.next()?;
    let last = placed.next_back().unwrap_or(first);
    Some([first[0], last[1], last[2], first[3]])
}

/// A confidence as engines give it, held to 0 and 1; 0 where there is none.
pub(crate) fn confidence(given: Option<f64>) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
    let rated = given.unwrap_or_default().clamp(0.0, 1.0) as f32;
    rated
}

/// Four corners of the points given, if there are four.
pub(crate) fn corners(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Corners> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "pixels: far below what a float holds, and bounded"
    )]
    let pixel = |at: f64| at.clamp(-1e6, 1e6) as f32;
    let mut points = points.into_iter().map(|(x, y)| (pixel(x), pixel(y)));
    let four = [points.next()?, points.next()?, points.next()?, points.next()?];
    points.next().is_none().then_some(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(x: f64) -> Option<Corners> {
        corners([(x, 0.0), (x + 10.0, 0.0), (x + 10.0, 5.0), (x, 5.0)])
    }

    #[test]
    fn a_line_is_as_sure_as_its_least_sure_word_and_each_character_as_its_word() {
        let words = [
            Word::rated("S/N", 0.9, placed(0.0)),
            Word::rated("A B", 0.4, placed(20.0)),
        ];
        let line = line(&words, None).unwrap();
        assert_eq!(line.text, "S/N AB");
        assert_eq!(line.characters, [0.9, 0.9, 0.9, 1.0, 0.4, 0.4]);
        assert_eq!(line.confidence, 0.4);
        assert_eq!(line.corners, [(0.0, 0.0), (30.0, 0.0), (30.0, 5.0), (0.0, 5.0)]);
    }

    #[test]
    fn words_that_touch_stay_together_and_empty_ones_count_for_nothing() {
        let mut first = Word::rated("AB", 0.8, None);
        first.blank_after = false;
        let words = [first, Word::rated("-7", 0.7, None), Word::rated(" ", 0.0, None)];
        let line = line(&words, None).unwrap();
        assert_eq!((line.text.as_str(), line.confidence), ("AB-7", 0.7));
        assert!(super::line(&[], None).is_none());
        assert!(super::line(&[Word::default()], None).is_none());
    }

    #[test]
    fn what_is_not_rated_is_not_sure_and_what_is_out_of_bounds_is_held() {
        assert_eq!(confidence(None), 0.0);
        assert_eq!(confidence(Some(-3.0)), 0.0);
        assert_eq!(confidence(Some(7.0)), 1.0);
        assert_eq!(corners([(0.0, 0.0); 3]), None);
        assert_eq!(corners([(0.0, 0.0); 5]), None);
        assert_eq!(corners([(1e300, 0.0); 4]).unwrap()[0], (1e6, 0.0));
        let long = line(&[Word::rated(&"x".repeat(10_000), 0.5, None)], None).unwrap();
        assert_eq!((long.text.len(), long.characters.len()), (MAX_LINE, MAX_LINE));
    }
}
