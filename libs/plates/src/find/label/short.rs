//! The shortest label, `S/N`: known by its shape, as engines misread it.

use super::{Kind, Match, is_gap};

/// `S/N` and `N/S` in all the ways in which they are misread, also with the value glued to it.
pub(super) fn short(text: &[char]) -> Option<Match> {
    let taken = |length: usize| length + text.iter().skip(length).take_while(|c| is_gap(**c)).count();
    let serial = |length: usize, wrong: usize| {
        Some(Match {
            kind: Kind::Serial,
            taken: taken(length),
            wrong,
        })
    };
    let upper: Vec<char> = text.iter().take(4).map(|c| c.to_ascii_uppercase()).collect();
    let ends = |length: usize| text.get(length).is_none_or(|c| is_gap(*c));
    match upper.as_slice() {
        ['S', '/', 'N', ..] | ['N', '/', 'S', ..] => serial(3, 0),
        ['P', '/', 'N' | 'H' | 'M', ..] | ['P', '1' | '7' | 'I' | 'L' | '\\' | '|', 'N', ..] => Some(Match {
            kind: Kind::Part,
            taken: taken(3),
            wrong: 0,
        }),
        [
            'S' | '5' | '8' | '$' | '6',
            '/',
            'N' | 'H' | 'M' | 'W' | 'K' | 'A' | 'X' | 'L' | 'V',
            ..,
        ] if ends(3) || value_behind(text) => serial(3, 1),
        [
            'S' | '5' | '$',
            '1' | '7' | 'I' | 'L' | '|' | '\\' | '(' | '!' | '.' | 'J',
            'N' | 'H' | 'M',
            ..,
        ] if ends(3) => serial(3, 1),
        ['N' | 'H' | 'M', '/' | '7' | '1' | 'I', 'S' | '5' | '8', ..] if ends(3) => serial(3, 1),
        ['S', 'N', ..] | ['N', 'S', ..] if ends(2) => serial(2, 0),
        ['S', '.', 'N', '.', ..] | ['N', '.', 'S', '.', ..] => serial(4, 0),
        _ => None,
    }
}

/// Whether what is glued to a label of three signs is as long as serial numbers are, and has their digits.
fn value_behind(text: &[char]) -> bool {
    let value = text.get(3..).unwrap_or_default();
    let digits = value.iter().filter(|c| c.is_ascii_digit()).count();
    value.len() >= 6 && digits >= 2 && value.iter().all(|c| c.is_ascii_alphanumeric() || *c == '-')
}
