//! What else a plate says: brand, model, voltage, power, date, part.

use std::collections::BTreeMap;

use super::label::Kind;
use super::segment::Segment;
use super::shape::Shape;

/// The longest value that is kept.
const LONGEST: usize = 60;
/// What makers write about where a thing was made is no brand.
const ORIGIN: [&str; 8] = [
    "MADE",
    "HECHO",
    "INDUSTRIA",
    "ASSEMBLED",
    "FABRICADO",
    "ENSAMBLADO",
    "FEITO",
    "INDÚSTRIA",
];

/// The facts: by their labels first, then by what the values look like.
pub(crate) fn facts(
    segments: &[Segment],
    labelled: &[(usize, Kind)],
    serials: &[usize],
) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut put = |name: Option<&str>, index: usize| {
        let value = segments.get(index).and_then(|segment| segment.value.as_ref());
        if let (Some(name), Some(value)) = (name, value)
            && !facts.contains_key(name)
        {
            facts.insert(name.to_owned(), value.raw.chars().take(LONGEST).collect());
        }
    };
    for (index, kind) in labelled {
        put(name_of(*kind), *index);
    }
    for (index, segment) in segments.iter().enumerate() {
        let free = !serials.contains(&index) && !labelled.iter().any(|(own, _)| *own == index);
        if let Some(value) = segment.value.as_ref().filter(|_| free) {
            put(
                match value.shape {
                    Shape::Date => Some("date"),
                    Shape::Voltage => Some("voltage"),
                    Shape::Power => Some("power"),
                    Shape::Part => Some("part"),
                    Shape::Model => Some("model"),
                    _ => None,
                },
                index,
            );
        }
    }
    put(Some("brand"), brand(segments, labelled).unwrap_or(usize::MAX));
    facts
}

fn name_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Brand => Some("brand"),
        Kind::Model => Some("model"),
        Kind::Voltage => Some("voltage"),
        Kind::Power => Some("power"),
        Kind::Date => Some("date"),
        Kind::Part => Some("part"),
        Kind::Serial | Kind::Current | Kind::Protection | Kind::Other => None,
    }
}

/// The tallest words without a digit in the upper half that are neither label nor origin.
fn brand(segments: &[Segment], labelled: &[(usize, Kind)]) -> Option<usize> {
    let middle = segments.iter().map(|s| s.place.top).sum::<f32>() / segments.len().max(1) as f32;
    segments
        .iter()
        .enumerate()
        .filter(|(index, segment)| {
            segment.label.is_none()
                && segment.place.top <= middle
                && !labelled.iter().any(|(own, _)| own == index)
        })
        .filter(|(_, segment)| {
            segment.value.as_ref().is_some_and(|value| {
                let letters = value.raw.chars().filter(|c| c.is_alphabetic()).count();
                let upper = value.raw.to_uppercase();
                letters >= 3
                    && !value.raw.chars().any(|c| c.is_ascii_digit())
                    && !ORIGIN.iter().any(|word| upper.starts_with(word))
            })
        })
        .max_by(|a, b| a.1.place.height().total_cmp(&b.1.place.height()))
        .map(|(index, _)| index)
}
