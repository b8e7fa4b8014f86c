//! What the serial numbers of a tenant look like.
//!
//! A pattern says of each place what may stand there: `A` a letter, `9` a digit, `X` either, any other character itself,
//! `{n}` repeats what is before it. `AA{2}9{6}` is three letters and six digits; `\A` is an A itself.

/// The most patterns of a tenant.
const MAX_PATTERNS: usize = 64;
/// The longest serial that a pattern may describe.
const MAX_PLACES: usize = 40;

/// The patterns of a tenant's serial numbers. None at all is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Vec<Place>>);

/// What may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Letter,
    Digit,
    Either,
    Exactly(char),
}

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More than 64.
    #[error("more than {MAX_PATTERNS} patterns")]
    TooMany,
    /// It describes nothing.
    #[error("an empty pattern")]
    Empty,
    /// It describes more than 40 characters.
    #[error("`{0}` describes more than {MAX_PLACES} characters")]
    TooLong(String),
    /// A brace that is not a count behind something.
    #[error("`{0}`: braces hold how often the character before them repeats, as in 9{{6}}")]
    Braces(String),
}

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// When one cannot be understood.
    pub fn parse(patterns: &[String]) -> Result<Self, PatternError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(PatternError::TooMany);
        }
        patterns
            .iter()
            .map(|text| places(text.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns.
    pub(crate) fn all(&self) -> &[Vec<Place>] {
        &self.0
    }
}

fn places(text: &str) -> Result<Vec<Place>, PatternError> {
    let mut places: Vec<Place> = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '{' => {
                let count: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let count: usize = count.parse().map_err(|_| PatternError::Braces(text.to_owned()))?;
                let last = *places
                    .last()
                    .ok_or_else(|| PatternError::Braces(text.to_owned()))?;
                if count == 0 {
                    return Err(PatternError::Braces(text.to_owned()));
                }
                if places.len() + count > MAX_PLACES + 1 {
                    return Err(PatternError::TooLong(text.to_owned()));
                }
                places.extend(std::iter::repeat_n(last, count - 1));
            }
            '}' => return Err(PatternError::Braces(text.to_owned())),
            'A' => places.push(Place::Letter),
            '9' => places.push(Place::Digit),
            'X' => places.push(Place::Either),
            '\\' => places.extend(rest.next().map(|c| Place::Exactly(c.to_ascii_uppercase()))),
            c => places.push(Place::Exactly(c.to_ascii_uppercase())),
        }
    }
    match places.len() {
        0 => Err(PatternError::Empty),
        n if n > MAX_PLACES => Err(PatternError::TooLong(text.to_owned())),
        _ => Ok(places),
    }
}

impl Place {
    /// Whether this character may stand there.
    pub(crate) fn takes(self, c: char) -> bool {
        match self {
            Self::Letter => c.is_ascii_uppercase(),
            Self::Digit => c.is_ascii_digit(),
            Self::Either => c.is_ascii_uppercase() || c.is_ascii_digit(),
            Self::Exactly(own) => c == own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Patterns, PatternError> {
        Patterns::parse(&[text.to_owned()])
    }

    #[test]
    fn a_count_repeats_the_place_before_it() {
        let patterns = parse("A{2}-9{3}X").unwrap();
        let kinds = &patterns.all()[0];
        assert_eq!(kinds.len(), 7);
        assert_eq!(kinds[2], Place::Exactly('-'));
        assert_eq!(kinds[5], Place::Digit);
        assert_eq!(kinds[6], Place::Either);
    }

    #[test]
    fn what_cannot_be_a_pattern_is_refused() {
        for wrong in ["", "{3}", "9{0}", "9{x}", "9}", "9{", "9{99999999999999999999}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(matches!(parse("9{41}"), Err(PatternError::TooLong(_))));
        assert!(parse("9{40}").is_ok());
        assert_eq!(
            Patterns::parse(&vec!["9".to_owned(); 65]),
            Err(PatternError::TooMany)
        );
    }

    #[test]
    fn a_backslash_takes_the_special_meaning_away() {
        assert_eq!(
            parse(r"\A\9").unwrap().all()[0],
            [Place::Exactly('A'), Place::Exactly('9')]
        );
    }
}
