//! What a confidence is worth: of a hundred answers with 0.9, ninety and more are to be right.
//!
//! The weights are a logistic fit to plates of our generator, whose seeds are not those that are reported
//! (docs/benchmarks.md). Engines of providers rate words, not characters, and were not measured: from them the least word
//! counts, with less weight, so that what they are not sure of is asked about.

use super::Source;
use super::confusable::Fit;
use super::shape::Shape;

/// What speaks for a candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    /// The product of its characters' probabilities.
    pub(crate) sure: f32,
    /// The least of them.
    pub(crate) least: f32,
    /// How well it stands at a label of serial numbers: 0 is best; none without a label.
    pub(crate) label: Option<f32>,
    pub(crate) shape: Shape,
    /// How many others could be it as well.
    pub(crate) rivals: usize,
    pub(crate) fit: Fit,
    /// Whether a digit stands where the usual form has a letter that looks like it.
    pub(crate) ambiguous: bool,
    pub(crate) source: Source,
}

/// The fit.
const SLOPE: f32 = 1.15;
const OFFSET: f32 = 2.8;
/// The most for a serial that fits none of the tenant's patterns.
const MISFIT: f32 = 0.6;

/// The most for a serial without a label, unless it fits a pattern: bars of a code are read as clear digits, too.
const UNLABELLED: f32 = 0.85;

/// The most for a number whose form would have a letter, unless it fits a pattern: engines read the usual letter as a clear
/// digit.
const AMBIGUOUS: f32 = 0.8;

/// The most for a serial number of a form that few have, unless it fits a pattern: the first half of one looks like that.
const UNUSUAL: f32 = 0.85;

/// The confidence.
pub(crate) fn confidence(evidence: &Evidence) -> f32 {
    let logit = |p: f32| (p.clamp(0.000_1, 0.999_9) / (1.0 - p.clamp(0.000_1, 0.999_9))).ln();
    let mut z = match evidence.source {
        Source::Embedded => 0.6 * logit(evidence.sure) + 0.2 * logit(evidence.least) - 0.3,
        Source::AzureVision | Source::GoogleVision | Source::Other => 0.7 * logit(evidence.least) - 2.0,
    };
    z -= match evidence.label {
        Some(cost) => cost.min(1.0),
        None => 1.0 + evidence.rivals as f32,
    };
    z = SLOPE * z + OFFSET;
    let confidence = 1.0 / (1.0 + (-z).exp());
    match evidence.fit {
        // What the tenant's numbers look like outweighs how clearly others are printed.
        Fit::Misfit => confidence.min(MISFIT),
        Fit::Unknown if evidence.ambiguous => confidence.min(AMBIGUOUS),
        Fit::Unknown if evidence.shape == Shape::Serial(1) => confidence.min(UNUSUAL),
        Fit::Unknown if evidence.label.is_none() => confidence.min(UNLABELLED),
        Fit::Unknown | Fit::Fits(_) => confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clear(ambiguous: bool, fit: Fit) -> f32 {
        confidence(&Evidence {
            sure: 0.999,
            least: 0.999,
            label: Some(0.0),
            shape: Shape::Serial(3),
            rivals: 0,
            fit,
            ambiguous,
            source: Source::Embedded,
        })
    }

    #[test]
    fn a_form_that_few_have_is_asked_about() {
        let half = |fit| {
            confidence(&Evidence {
                sure: 0.999,
                least: 0.999,
                label: Some(0.0),
                shape: Shape::Serial(1),
                rivals: 0,
                fit,
                ambiguous: false,
                source: Source::Embedded,
            })
        };
        assert!(half(Fit::Unknown) < 0.9);
        assert!(half(Fit::Fits(0)) > 0.98);
    }

    #[test]
    fn a_digit_where_the_usual_form_has_a_letter_is_asked_about_unless_a_pattern_wants_it() {
        assert!(clear(false, Fit::Unknown) > 0.98);
        assert!(clear(true, Fit::Unknown) < 0.9);
        assert!(clear(true, Fit::Fits(0)) > 0.98);
        assert!(clear(true, Fit::Misfit) < 0.9);
    }
}
