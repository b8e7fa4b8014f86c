//! Characters that are taken for each other: 0 and O, 1 and I, 5 and S, 8 and B, 2 and Z.
//!
//! What a tenant says about its serial numbers decides; where it says nothing, what makers do: they leave out I, O and Q, and
//! do not put a lone letter among digits, but behind a year.

use crate::Patterns;
use crate::pattern::Place;

/// A pair that engines take for each other: the digit, and the letters like it.
const ALIKE: [(char, &[char]); 8] = [
    ('0', &['O', 'Q', 'D', 'U']),
    ('1', &['I', 'L', 'J', 'T']),
    ('2', &['Z']),
    ('4', &['A']),
    ('5', &['S']),
    ('6', &['G']),
    ('7', &['T', 'Y']),
    ('8', &['B']),
];
/// How sure a character is at most after it was changed.
const AFTER_CHANGE: f32 = 0.9;
/// Below this, the digit behind a year is taken for the letter like it.
const UNCLEAR: f32 = 0.8;
/// Below this, a lone letter among digits is taken for the digit like it.
const UNSURE: f32 = 0.97;

/// Whether a serial fits the tenant's patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// There are none.
    Unknown,
    /// It fits one, with so many characters changed.
    Fits(usize),
    /// It fits none.
    Misfit,
}

/// Settles what each character is.
pub(crate) fn settle(value: &mut [(char, f32)], patterns: &Patterns) -> Fit {
    if patterns.is_empty() {
        by_habit(value);
        return Fit::Unknown;
    }
    let best = patterns
        .all()
        .iter()
        .filter_map(|places| fitted(value, places))
        .min_by_key(|(changed, _)| *changed);
    match best {
        Some((changed, fitted)) => {
            for ((own, sure), new) in value.iter_mut().zip(fitted) {
                if *own != new {
                    *own = new;
                    *sure = AFTER_CHANGE;
                }
            }
            Fit::Fits(changed)
        }
        None => {
            by_habit(value);
            Fit::Misfit
        }
    }
}

/// The serial as a pattern wants it, when like characters are all that stands between; signs may be missing on either side.
fn fitted(value: &[(char, f32)], places: &[Place]) -> Option<(usize, Vec<char>)> {
    let own: Vec<char> = value.iter().map(|(c, _)| *c).collect();
    if let Some(found) = matched(&own, places) {
        return Some(found);
    }
    let sign = |c: char| !c.is_ascii_alphanumeric();
    let bare: Vec<char> = own.iter().copied().filter(|c| !sign(*c)).collect();
    let bare_places: Vec<Place> = places
        .iter()
        .copied()
        .filter(|place| !matches!(place, Place::Exactly(c) if sign(*c)))
        .collect();
    let (changed, found) = matched(&bare, &bare_places)?;
    let mut found = found.into_iter();
    let whole: Vec<char> = own
        .iter()
        .map(|c| if sign(*c) { *c } else { found.next().unwrap_or(*c) })
        .collect();
    Some((changed, whole))
}

fn matched(own: &[char], places: &[Place]) -> Option<(usize, Vec<char>)> {
    if own.len() != places.len() {
        return None;
    }
    let mut changed = 0;
    let new: Option<Vec<char>> = own
        .iter()
        .zip(places)
        .map(|(c, place)| {
            if place.takes(*c) {
                return Some(*c);
            }
            changed += 1;
            alike(*c).into_iter().find(|other| place.takes(*other))
        })
        .collect();
    new.map(|new| (changed, new))
}

/// What a character may be in truth.
pub(crate) fn alike(c: char) -> Vec<char> {
    let mut others = Vec::new();
    for (digit, letters) in ALIKE {
        if c == digit {
            others.extend(letters.iter().copied());
        } else if letters.contains(&c) {
            others.push(digit);
        }
    }
    others
}

fn by_habit(value: &mut [(char, f32)]) {
    let own: Vec<char> = value.iter().map(|(c, _)| *c).collect();
    let letters = lettered(&own);
    let after_year = year_and_more(&own).then_some(AFTER_YEAR);
    // An unclear digit there is the letter like it that makers use.
    if let Some((c, sure)) = after_year.and_then(|place| value.get_mut(place))
        && c.is_ascii_digit()
        && *sure < UNCLEAR
        && let Some(letter) = alike(*c).into_iter().find(|c| !matches!(c, 'O' | 'I' | 'Q'))
    {
        *c = letter;
    }
    for (place, (c, sure)) in value.iter_mut().enumerate().skip(letters) {
        match c {
            // A letter is usual there, and the one that is left out is read where the one like it stands.
            'O' | 'Q' if after_year == Some(place) => (*c, *sure) = ('D', sure.min(AFTER_CHANGE)),
            'O' | 'Q' => *c = '0',
            'I' => *c = '1',
            _ => {}
        }
    }
    let letters = value.iter().filter(|(c, _)| c.is_ascii_alphabetic()).count();
    let digits = value.iter().filter(|(c, _)| c.is_ascii_digit()).count();
    if letters != 1 || digits < 7 {
        return;
    }
    // A year, a letter, a number is a usual form; so is a letter in front or behind. Neither becomes a digit.
    let place = value
        .iter()
        .filter(|(c, _)| c.is_ascii_alphanumeric())
        .position(|(c, _)| c.is_ascii_alphabetic());
    if matches!(place, Some(0 | 4)) || place == Some(digits) {
        return;
    }
    for (c, sure) in value
        .iter_mut()
        .filter(|(c, sure)| c.is_ascii_alphabetic() && *sure < UNSURE)
    {
        if let Some(digit) = alike(*c).into_iter().find(char::is_ascii_digit) {
            *c = digit;
            *sure = sure.min(AFTER_CHANGE);
        }
    }
}

/// Where the letter of a year, a letter, a number stands.
const AFTER_YEAR: usize = 4;

/// How many letters in front, before nothing but a number, stand among letters: these are no digits, even where makers leave
/// them out. The last one of them stands beside a digit and may be one.
fn lettered(value: &[char]) -> usize {
    let front = value.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let behind = value.get(front..).unwrap_or_default();
    let number = behind.len() >= 4 && behind.iter().all(char::is_ascii_digit);
    if number { front.saturating_sub(1) } else { 0 }
}

/// Whether it begins with a year, and a number of at least five digits stands behind one character more.
fn year_and_more(value: &[char]) -> bool {
    let year: String = value.iter().take(AFTER_YEAR).collect();
    let behind = value.get(AFTER_YEAR + 1..).unwrap_or_default();
    year.parse().is_ok_and(|year: u32| (1980..=2040).contains(&year))
        && behind.len() >= 5
        && behind.iter().all(char::is_ascii_digit)
}

/// Whether a number begins with a year and goes on with a digit that may be the letter of the usual form, misread: how clear
/// it looks says little then.
pub(crate) fn ambiguous(value: &[(char, f32)]) -> bool {
    let own: Vec<char> = value.iter().map(|(c, _)| *c).collect();
    let next = own.get(AFTER_YEAR).copied().unwrap_or_default();
    year_and_more(&own)
        && (next.is_ascii_digit() && !alike(next).is_empty() || matches!(next, 'O' | 'Q' | 'I'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str, sure: f32, patterns: &[&str]) -> (String, Fit) {
        let patterns =
            Patterns::parse(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap();
        let mut value: Vec<(char, f32)> = text.chars().map(|c| (c, sure)).collect();
        let fit = settle(&mut value, &patterns);
        (value.iter().map(|(c, _)| *c).collect(), fit)
    }

    #[test]
    fn a_pattern_decides_what_is_alike() {
        assert_eq!(
            settled("A8I234S6", 0.9, &["AA9{6}"]),
            ("AB123456".to_owned(), Fit::Fits(3))
        );
        assert_eq!(
            settled("2O19-0OO1", 0.9, &["9{4}-9{4}"]),
            ("2019-0001".to_owned(), Fit::Fits(3))
        );
        assert_eq!(settled("2O190OO1", 0.9, &["9{4}-9{4}"]).0, "20190001");
        assert_eq!(
            settled("ABCO", 0.99, &["AAAA"]),
            ("ABCO".to_owned(), Fit::Fits(0))
        );
        assert_eq!(settled("XY123", 0.9, &["9{5}"]).1, Fit::Misfit);
    }

    #[test]
    fn without_a_pattern_habit_decides() {
        assert_eq!(settled("O12345I7Q9", 0.99, &[]).0, "0123451709");
        assert_eq!(settled("12345S789", 0.8, &[]).0, "123455789");
        assert_eq!(settled("12345S789", 0.99, &[]).0, "12345S789");
        assert_eq!(settled("2019S1234", 0.8, &[]).0, "2019S1234");
    }

    #[test]
    fn a_letter_among_letters_before_a_number_is_no_digit() {
        assert_eq!(settled("QRS445566", 0.9, &[]).0, "QRS445566");
        assert_eq!(settled("AOB445566", 0.9, &[]).0, "AOB445566");
        assert_eq!(settled("PRO35737", 0.9, &[]).0, "PR035737");
        assert_eq!(settled("Q12345", 0.9, &[]).0, "012345");
        assert_eq!(settled("EN8XOFK9", 0.9, &[]).0, "EN8X0FK9");
    }

    #[test]
    fn after_a_year_a_letter_stays_one_and_a_digit_like_one_is_doubtful() {
        assert_eq!(settled("2013O324748", 0.9, &[]).0, "2013D324748");
        assert_eq!(settled("20130324748", 0.5, &[]).0, "2013D324748");
        assert_eq!(settled("2013D324748", 0.5, &[]).0, "2013D324748");
        assert_eq!(settled("20185635675", 0.5, &[]).0, "2018S635675");
        assert_eq!(settled("20185635675", 0.9, &[]).0, "20185635675");
        let of = |text: &str| ambiguous(&text.chars().map(|c| (c, 1.0)).collect::<Vec<_>>());
        assert!(of("20130324748") && of("2013532474"));
        assert!(!of("2013D324748") && !of("20139324748") && !of("51130324748") && !of("2013032"));
    }
}
