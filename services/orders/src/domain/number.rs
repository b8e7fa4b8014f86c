//! The number that people use for an order: `OT-000042`, counted per tenant.

use std::fmt;

use crate::domain::words::fold;

/// More digits than this are no order number but a phone or a tax id.
const MAX_DIGITS: usize = 9;

/// An order's number, unique in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNumber(u32);

impl OrderNumber {
    /// The `count`-th order of a tenant; `None` for zero and beyond nine digits.
    #[must_use]
    pub fn new(count: i64) -> Option<Self> {
        u32::try_from(count)
            .ok()
            .filter(|n| (1..1_000_000_000).contains(n))
            .map(Self)
    }

    /// Its place in the count.
    #[must_use]
    pub const fn count(self) -> i64 {
        self.0 as i64
    }

    /// Finds a number written with its letters somewhere in a text: `mi orden OT 42, gracias`.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let folded = fold(text);
        let mut words = folded.split(' ').peekable();
        while let Some(word) = words.next() {
            let Some(rest) = word.strip_prefix("ot") else {
                continue;
            };
            let digits = if rest.is_empty() {
                words.peek().copied().unwrap_or_default()
            } else {
                rest
            };
            if let Some(number) = Self::of_digits(digits) {
                return Some(number);
            }
        }
        None
    }

    /// Reads an answer to the question for a number, where bare digits are enough.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::find(text).or_else(|| {
            let folded = fold(text);
            let mut found = folded.split(' ').filter_map(Self::of_digits);
            let first = found.next();
            // Two numbers in one answer: nobody knows which is meant.
            if found.next().is_some() { None } else { first }
        })
    }

    fn of_digits(digits: &str) -> Option<Self> {
        let digit_only =
            !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        if digit_only {
            digits.parse().ok().and_then(Self::new)
        } else {
            None
        }
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OT-{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_people_write_it() {
        let number = OrderNumber::new(42).unwrap();
        assert_eq!(number.to_string(), "OT-000042");
        for text in [
            "OT-000042",
            "ot 42",
            "Ot42.",
            "¿Cómo va la OT-42?",
            "la orden ot-000042, por favor",
        ] {
            assert_eq!(OrderNumber::find(text), Some(number), "{text}");
        }
        for text in ["42", " #000042 ", "es la 42"] {
            assert_eq!(
                (OrderNumber::find(text), OrderNumber::read(text)),
                (None, Some(number)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_not_guessed() {
        for text in [
            "",
            "OT-",
            "OT-0",
            "otro",
            "otra 42 y 43",
            "3001234567",
            "OT-12345678901",
            "cuarenta y dos",
        ] {
            assert_eq!(OrderNumber::read(text), None, "{text}");
        }
    }
}
