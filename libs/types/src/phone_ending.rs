//! How people look for a number: the whole of it, or as many of its last digits as they remember.

/// Fewer digits would fit too many people.
const LEAST: usize = 7;
/// E.164 has no longer numbers.
const MOST: usize = 15;
/// Longest text that is looked at.
const MAX_RAW: usize = 40;

/// A text by which no number can be looked for. It holds no digits, so that it can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give the whole number with its `+`, or at least its last 7 digits")]
pub struct PhoneEndingError;

/// The last digits of a phone number, or the whole number with its `+`.
///
/// Tables keep numbers reversed beside themselves, so that an ending is a beginning, and a plain index finds it.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneEnding {
    /// The digits, last one first.
    reversed: String,
    whole: bool,
}

impl PhoneEnding {
    /// Reads what a person typed; spaces and the usual signs between digits do not matter.
    ///
    /// # Errors
    /// When it is neither a whole number nor at least 7 digits.
    pub fn parse(text: &str) -> Result<Self, PhoneEndingError> {
        if text.len() > MAX_RAW {
            return Err(PhoneEndingError);
        }
        let text = text.trim();
        let (digits, whole) = text.strip_prefix('+').map_or((text, false), |rest| (rest, true));
        let between = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')');
        let reversed: String = digits.chars().rev().filter(|c| !between(*c)).collect();
        let fits =
            (LEAST..=MOST).contains(&reversed.len()) && reversed.bytes().all(|byte| byte.is_ascii_digit());
        if fits {
            Ok(Self { reversed, whole })
        } else {
            Err(PhoneEndingError)
        }
    }

    /// From where to where, the end excluded and in byte order, the reversed numbers in E.164 (`765432100375+`) lie
    /// that fit.
    #[must_use]
    pub fn among_numbers(&self) -> (String, String) {
        if self.whole {
            bounds(format!("{}+", self.reversed))
        } else {
            bounds(self.reversed.clone())
        }
    }

    /// The same for ids at a provider, which are mostly a number without its `+`.
    #[must_use]
    pub fn among_ids(&self) -> (String, String) {
        bounds(self.reversed.clone())
    }
}

/// `from`, and the lowest text that is higher than all that begin with it: digits and `+` are followed by no letter.
fn bounds(from: String) -> (String, String) {
    let mut to = from.clone();
    if let Some(last) = to.pop() {
        to.push(char::from_u32(u32::from(last) + 1).unwrap_or(last));
    }
    (from, to)
}

impl std::fmt::Debug for PhoneEnding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneEnding(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(ending: &str, number: &str) -> bool {
        let (from, to) = PhoneEnding::parse(ending).unwrap().among_numbers();
        let reversed: String = number.chars().rev().collect();
        (from..to).contains(&reversed)
    }

    #[test]
    fn an_ending_fits_the_numbers_that_end_in_it() {
        for ending in [
            "1234567",
            "300 123 4567",
            "573001234567",
            "+573001234567",
            "(300) 123-45-67",
        ] {
            assert!(fits(ending, "+573001234567"), "{ending}");
        }
        for ending in ["7654321", "4001234567", "+3001234567", "9573001234567"] {
            assert!(!fits(ending, "+573001234567"), "{ending}");
        }
        assert!(fits("9999999", "+579999999999"), "the highest digit");
    }

    #[test]
    fn a_whole_number_is_found_among_ids_without_a_plus() {
        let (from, to) = PhoneEnding::parse("+573001234567").unwrap().among_ids();
        let reversed: String = "573001234567".chars().rev().collect();
        assert!((from..to).contains(&reversed));
    }

    #[test]
    fn what_fits_too_many_people_or_nobody_is_refused() {
        for bad in [
            "",
            "+",
            "123456",
            "1234567890123456",
            "12345x7",
            "1234567\0",
            "%1234567",
            "+12+34567",
        ] {
            assert_eq!(PhoneEnding::parse(bad), Err(PhoneEndingError), "{bad}");
        }
    }

    #[test]
    fn digits_stay_out_of_debug() {
        let shown = format!("{:?}", PhoneEnding::parse("3001234567").unwrap());
        assert!(!shown.contains('3'), "{shown}");
    }
}
