//! What was understood of a photograph, whatever engine read it.

use std::collections::BTreeMap;

use crate::domain::serial::Serial;

/// What is wrong with a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Dark,
    Blurred,
    Glare,
    CutOff,
    Far,
    NoText,
}

impl Flaw {
    pub(crate) const ALL: [Self; 6] = [
        Self::Dark,
        Self::Blurred,
        Self::Glare,
        Self::CutOff,
        Self::Far,
        Self::NoText,
    ];

    /// As stored, and as callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Blurred => "blurred",
            Self::Glare => "glare",
            Self::CutOff => "cut_off",
            Self::Far => "far",
            Self::NoText => "no_text",
        }
    }

    /// The flaw of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.as_str() == name)
    }
}

/// The serial that was found, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Likely {
    pub(crate) serial: Serial,
    /// In thousandths, rounded down: what is below a threshold stays below it.
    pub(crate) permille: u32,
}

/// What became of reading a photograph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An engine read it.
    Read {
        /// The likeliest serial; `None` when nothing can be one.
        likely: Option<Likely>,
        facts: BTreeMap<String, String>,
        /// The worst first.
        flaws: Vec<Flaw>,
        engine: String,
    },
    /// It is no picture that can be read.
    Unusable,
    /// No engine answered.
    Failed,
}

/// A confidence in thousandths, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=1000 before"
)]
pub(crate) fn permille(confidence: f32) -> u32 {
    // What was written as 0.95 is a little less in binary, and is still 950.
    let exact = f64::from(confidence).mul_add(1000.0, 1e-3).floor();
    if exact.is_nan() {
        0
    } else {
        exact.clamp(0.0, 1000.0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_rounded_down_and_never_out_of_range() {
        for (confidence, expected) in [
            (0.95_f32, 950),
            (0.899_99, 899),
            (0.9, 900),
            (1.0, 1000),
            (7.0, 1000),
            (-1.0, 0),
            (f32::NAN, 0),
            (f32::INFINITY, 1000),
        ] {
            assert_eq!(permille(confidence), expected, "{confidence}");
        }
    }

    #[test]
    fn flaws_are_found_by_their_names() {
        for flaw in Flaw::ALL {
            assert_eq!(Flaw::named(flaw.as_str()), Some(flaw));
        }
        assert_eq!(Flaw::named("tilted"), None);
    }
}
