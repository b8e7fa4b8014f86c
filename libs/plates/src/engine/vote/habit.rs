//! How usual a form of serial number is.

use crate::engine::ctc::Read;

/// What makers do: of proposals that are equally well seen, the usual form is the likelier.
pub(super) fn habit(text: &[Read]) -> f32 {
    let value: String = text.iter().map(|read| read.character).collect();
    let value = value.rsplit([' ', ':']).next().unwrap_or_default();
    let letter = |c: &char| c.is_ascii_alphabetic();
    let letters = value.chars().filter(letter).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if letters + digits != value.chars().count() {
        // Groups: those in the middle are numbers more often than not.
        let middle: Vec<&str> = value.split('-').collect();
        let number = |group: &&str| group.chars().all(|c| c.is_ascii_digit());
        let [_, middle @ .., _] = middle.as_slice() else {
            return 0.0;
        };
        return if !middle.is_empty() && middle.iter().all(number) {
            0.7
        } else {
            0.0
        };
    }
    let first = value.chars().take_while(letter).count();
    let year = value.starts_with("20") || value.starts_with("19");
    let after_year = value.chars().nth(4).is_some_and(|c| letter(&c));
    match (letters, digits) {
        (0, 6..) => 0.3,
        (1, 8..) if year && after_year => 1.5,
        (1..=3, 4..) if first == letters => 0.7,
        _ if value.contains(['O', 'I', 'Q']) => -0.7,
        _ => 0.0,
    }
}
