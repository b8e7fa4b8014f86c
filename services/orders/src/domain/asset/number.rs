//! The number that people use for an asset: `HV-000042`, counted per tenant.

use std::fmt;

/// More digits than this are no number of ours.
const MAX_DIGITS: usize = 9;

/// An asset's number, unique in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetNumber(u32);

impl AssetNumber {
    /// The `count`-th asset of a tenant; `None` for zero and beyond nine digits.
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

    /// Reads a number however people write it: `HV-000042`, `hv 42`, `42`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let plain = plain.to_ascii_uppercase();
        let digits = plain.strip_prefix("HV").unwrap_or(&plain);
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().and_then(Self::new)
    }
}

impl fmt::Display for AssetNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HV-{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_people_write_it_and_nothing_else_is_one() {
        let number = AssetNumber::new(42).unwrap();
        assert_eq!(number.to_string(), "HV-000042");
        for text in ["HV-000042", "hv 42", "42", " Hv-42."] {
            assert_eq!(AssetNumber::read(text), Some(number), "{text}");
        }
        for text in ["", "HV", "HV-0", "OT-42", "HVX42", "42A", "HV1234567890"] {
            assert_eq!(AssetNumber::read(text), None, "{text}");
        }
    }
}
