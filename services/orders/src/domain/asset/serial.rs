//! A serial as it is printed, and what of it is compared: letters and digits, whatever their case.

/// Longer than any serial that people can write; a generated one is shorter.
const MAX_CHARS: usize = 64;

/// The serial of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    printed: String,
    key: String,
}

impl Serial {
    /// A serial, if the text has anything to compare and is not too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let printed = text.trim();
        let key = Self::key_of(printed);
        let fits =
            !key.is_empty() && printed.chars().count() <= MAX_CHARS && !printed.chars().any(char::is_control);
        fits.then(|| Self {
            printed: printed.to_owned(),
            key,
        })
    }

    /// What of a text is compared.
    #[must_use]
    pub fn key_of(text: &str) -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// As it is printed.
    #[must_use]
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// What is compared.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether both mean the same plate.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_alone_are_compared() {
        let one = Serial::new(" SN-4471/a ").unwrap();
        assert_eq!((one.printed(), one.key()), ("SN-4471/a", "SN4471A"));
        assert!(one.is_same(&Serial::new("sn 4471 A").unwrap()));
        assert!(!one.is_same(&Serial::new("SN4471AB").unwrap()));
    }

    #[test]
    fn what_has_nothing_to_compare_or_is_too_long_is_no_serial() {
        for text in ["", " ", "--/.", "A\0", &"9".repeat(65)] {
            assert_eq!(Serial::new(text), None, "{text:?}");
        }
    }
}
