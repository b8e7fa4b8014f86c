//! Serial numbers: how they are written down, compared, and told from generated ids.

/// What a serial may have at least and at most, in characters.
const SHORTEST: usize = 3;
const LONGEST: usize = 40;
/// What a generated id begins with.
const GENERATED: &str = "SN-G-";
/// The same, as it is compared.
const GENERATED_KEY: &str = "SNG";
/// Digits of a generated id, at least; what has as many behind its mark is taken for one.
const GENERATED_DIGITS: usize = 6;

/// A serial that can be one: upper case, without blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Serial(String);

/// Why a text can be no serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSerial {
    /// Too short or too long.
    #[error("a serial has {SHORTEST} to {LONGEST} characters")]
    Length,
    /// Nothing but letters.
    #[error("a serial has at least one digit")]
    NoDigit,
    /// Something that stands on no plate.
    #[error("a serial has letters, digits, and `-`, `/`, `.`, `_` between them")]
    Characters,
    /// It looks like one of ours.
    #[error("this is the form of generated ids, which no serial has")]
    Generated,
}

impl Serial {
    /// Reads a serial as a person or an engine wrote it: blanks and case do not matter.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(text: &str) -> Result<Self, NoSerial> {
        let text: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(plain)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let between = |c: char| matches!(c, '-' | '/' | '.' | '_');
        if !(SHORTEST..=LONGEST).contains(&text.chars().count()) {
            return Err(NoSerial::Length);
        }
        let known = text.chars().all(|c| c.is_ascii_alphanumeric() || between(c));
        if !known || text.starts_with(between) || text.ends_with(between) {
            return Err(NoSerial::Characters);
        }
        if !text.chars().any(|c| c.is_ascii_digit()) {
            return Err(NoSerial::NoDigit);
        }
        if is_generated(&text) {
            return Err(NoSerial::Generated);
        }
        Ok(Self(text))
    }

    /// The serial as it is printed.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    /// The serial as it is printed.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Dashes of many kinds are one to whoever types them.
const fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

/// What serials are compared by: their letters and digits.
pub(crate) fn key(serial: &str) -> String {
    serial
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// The id of a number.
pub(crate) fn generated(number: u64) -> String {
    format!("{GENERATED}{number:06}")
}

/// Whether it has the form of a generated id, as serials are compared.
fn is_generated(serial: &str) -> bool {
    let key = key(serial);
    key.strip_prefix(GENERATED_KEY)
        .is_some_and(|digits| digits.len() >= GENERATED_DIGITS && digits.chars().all(|c| c.is_ascii_digit()))
}

/// In how many characters two serials differ, as they are compared; `None` when in more than `most`.
pub(crate) fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut before = at + 1;
        let mut next = vec![before];
        for (right, above) in other.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(left != right);
            before = changed.min(above + 1).min(before + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serials_are_kept_as_printed_and_compared_by_letters_and_digits() {
        let read = Serial::read(" abc-123 456/x ").unwrap();
        assert_eq!(read.as_str(), "ABC-123456/X");
        assert_eq!(key(read.as_str()), "ABC123456X");
        assert_eq!(Serial::read("ab–12").unwrap().as_str(), "AB-12");
    }

    #[test]
    fn what_can_be_no_serial_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", NoSerial::Length),
            ("A1", NoSerial::Length),
            ("A123456789012345678901234567890123456789X", NoSerial::Length),
            ("ABCDEF", NoSerial::NoDigit),
            ("-AB12", NoSerial::Characters),
            ("AB12.", NoSerial::Characters),
            ("AB(12)", NoSerial::Characters),
            ("ÑA123", NoSerial::Characters),
            ("SN-G-000001", NoSerial::Generated),
            ("sng000001", NoSerial::Generated),
            ("S/N-G-1234567", NoSerial::Generated),
        ] {
            assert_eq!(Serial::read(text), Err(reason), "{text}");
        }
        assert!(Serial::read("SNG00001").is_ok(), "five digits are not ours");
    }

    #[test]
    fn distances_count_changed_lost_and_added_characters() {
        for (one, other, expected) in [
            ("ABC123", "ABC123", Some(0)),
            ("ABC123", "ABD123", Some(1)),
            ("ABC123", "AB123", Some(1)),
            ("ABC123", "ABC1234", Some(1)),
            ("ABC123", "BBC124", Some(2)),
            ("ABC123", "XYZ789", None),
            ("ABC123", "ABC123456", None),
        ] {
            assert_eq!(distance(one, other, 2), expected, "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn no_serial_ever_meets_a_generated_id(text in "[A-Za-z0-9 ./_–-]{0,44}", number in 0_u64..10_000_000_000) {
            if let Ok(serial) = Serial::read(&text) {
                prop_assert_ne!(key(serial.as_str()), key(&generated(number)));
            }
        }

        #[test]
        fn distance_is_the_same_both_ways(one in "[AB1]{0,6}", other in "[AB1]{0,6}") {
            prop_assert_eq!(distance(&one, &other, 2), distance(&other, &one, 2));
        }
    }
}
