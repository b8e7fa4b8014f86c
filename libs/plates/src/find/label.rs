//! Labels of a plate: what stands beside or above a value and says what it is.
//!
//! Engines misread small print, so a label is matched loosely: accents and signs do not count, and a long one may have a wrong
//! letter in four. The shortest, `S/N`, is known by its shape: `S7N`, `5/N`, `S/H` are how it is misread.

mod known;
mod short;

pub(crate) use known::Kind;

use known::KNOWN;
use short::short;
use unicode_fold::fold;

/// A label at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Match {
    pub(crate) kind: Kind,
    /// How many characters of the text it takes, signs behind it included.
    pub(crate) taken: usize,
    /// How many of its letters are wrong.
    pub(crate) wrong: usize,
}

/// The label that a text begins with: of its words, or glued to what follows.
pub(crate) fn at_beginning(text: &str) -> Option<Match> {
    let characters: Vec<char> = text.chars().collect();
    let glued = glued(&characters);
    let words = words(&characters);
    // `Serial NumberPR635737`: its first word is a label, too, but the longer one is meant. One or two letters more may be
    // the value's own: `SERIAL N123456`.
    let longer = match (words, glued) {
        (Some(words), Some(glued)) if glued.taken >= words.taken + A_WORD => Some(glued),
        // `SERIAL No.PR635737`: a sign ends the label, whatever its length.
        (Some(words), Some(glued)) if glued.taken > words.taken && ends_with_sign(&characters, &glued) => {
            Some(glued)
        }
        _ => None,
    };
    let found = longer.or(words).or_else(|| short(&characters)).or(glued)?;
    let number = if found.kind == Kind::Serial {
        number_sign(characters.get(found.taken..).unwrap_or_default())
    } else {
        0
    };
    Some(Match {
        taken: found.taken + number,
        ..found
    })
}

/// How many characters a `No.` takes that follows a label, also where its second letter was misread: `SERIAL Ne. X1`.
fn number_sign(rest: &[char]) -> usize {
    match rest {
        ['N', c, '.', ..] if !c.is_ascii_digit() && !c.is_ascii_uppercase() => {
            3 + rest.iter().skip(3).take_while(|c| is_gap(**c)).count()
        }
        _ => 0,
    }
}

/// Whether a sign, and not a blank, stands between a label and its value.
fn ends_with_sign(text: &[char], label: &Match) -> bool {
    let last = label.taken.checked_sub(1).and_then(|last| text.get(last));
    matches!(last, Some('.' | ':'))
}

/// So many letters more are a word of the label, not the beginning of the value.
const A_WORD: usize = 5;

/// Whether a text is a label and nothing else.
#[cfg(test)]
fn whole(text: &str) -> Option<Kind> {
    let found = at_beginning(text)?;
    (found.taken >= text.trim_end().chars().count()).then_some(found.kind)
}

/// Of the first one to four words, the most that are a label.
fn words(text: &[char]) -> Option<Match> {
    let mut ends: Vec<usize> = Vec::new();
    for (at, pair) in text.windows(2).enumerate() {
        if let [before, after] = pair
            && !is_gap(*before)
            && is_gap(*after)
        {
            ends.push(at + 1);
        }
    }
    if text.last().is_some_and(|last| !is_gap(*last)) {
        ends.push(text.len());
    }
    ends.truncate(4);
    ends.into_iter()
        .rev()
        .filter_map(|end| {
            let own: String = text.iter().take(end).collect();
            let (kind, wrong) = named(&plain(&own))?;
            Some(Match {
                kind,
                taken: end + text.iter().skip(end).take_while(|c| is_gap(**c)).count(),
                wrong,
            })
        })
        // More letters that fit outweigh a wrong one, not several.
        .min_by_key(|found| (found.wrong * 5).saturating_add(100).saturating_sub(found.taken))
}

/// A long label with the value glued to it: `SERIE2020X897867`, `Serial No.X12`.
fn glued(text: &[char]) -> Option<Match> {
    const LONG: usize = 5;
    let mut best: Option<Match> = None;
    for (kind, labels) in KNOWN {
        for label in labels.iter().filter(|label| label.len() >= LONG) {
            let mut rest = label.chars();
            let mut wanted = rest.next();
            let mut taken = 0;
            for c in text {
                let Some(letter) = wanted else { break };
                let own = fold(*c);
                if own == Some(letter) {
                    wanted = rest.next();
                } else if own.is_some() {
                    break;
                }
                taken += 1;
            }
            if wanted.is_none() && best.is_none_or(|best| taken > best.taken) {
                let gap = text.iter().skip(taken).take_while(|c| is_gap(**c)).count();
                best = Some(Match {
                    kind: *kind,
                    taken: taken + gap,
                    wrong: 0,
                });
            }
        }
    }
    best
}

/// The label that these letters are, with how many are wrong.
fn named(letters: &str) -> Option<(Kind, usize)> {
    let length = letters.chars().count();
    KNOWN
        .iter()
        .flat_map(|(kind, labels)| labels.iter().map(move |label| (*kind, *label)))
        .filter_map(|(kind, label)| {
            let allowed = label.len() / 4;
            if length.abs_diff(label.len()) > allowed {
                return None;
            }
            let wrong = changes(letters, label);
            (wrong <= allowed.min(3) && (label.len() > 4 || wrong == 0)).then_some((kind, wrong))
        })
        .min_by_key(|(_, wrong)| *wrong)
}

/// Letters and digits, folded. Digits that look like letters are taken for these: no label has a digit.
fn plain(text: &str) -> String {
    text.chars()
        .filter_map(fold)
        .map(|c| match c {
            '0' => 'O',
            '1' => 'I',
            '5' => 'S',
            '8' => 'B',
            '3' => 'E',
            other => other,
        })
        .collect()
}

fn is_gap(c: char) -> bool {
    matches!(
        c,
        ' ' | ':' | '.' | ';' | ',' | '=' | '#' | '|' | '-' | '_' | '·' | '*'
    )
}

/// How many letters must be changed, left out or put in.
fn changes(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let change = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = change.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

mod unicode_fold {
    /// A letter without its accent, as a capital; a digit; nothing for signs. `º` is the o of `Nº`.
    pub(super) fn fold(c: char) -> Option<char> {
        let plain = match c {
            'À'..='Å' | 'à'..='å' | 'ª' => 'A',
            'Ç' | 'ç' => 'C',
            'È'..='Ë' | 'è'..='ë' => 'E',
            'Ì'..='Ï' | 'ì'..='ï' => 'I',
            'Ñ' | 'ñ' => 'N',
            'Ò'..='Ö' | 'ò'..='ö' | 'º' | '°' => 'O',
            'Ù'..='Ü' | 'ù'..='ü' => 'U',
            '№' => 'N',
            other => other,
        };
        plain
            .is_ascii_alphanumeric()
            .then_some(plain.to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_as_they_are_written_and_misread() {
        for text in [
            "S/N",
            "S/N:",
            "SERIE",
            "No. de serie",
            "N.º de serie",
            "Nº SERIE:",
            "SERIAL No.",
            "Serial Number",
            "N/S",
            "S7N",
            "5/N",
            "S/H",
            "No. de serke",
            "Nº de série",
            "NÚMERO DE SÉRIE",
            "NS",
            "Serial",
            "SER. NO.",
            "SERlE",
            "S1N:",
            "Sertal Nunber",
            "S/L",
        ] {
            assert_eq!(whole(text), Some(Kind::Serial), "{text}");
        }
        for (text, kind) in [
            ("MODELO", Kind::Model),
            ("Model No.", Kind::Model),
            ("TENSIÓN", Kind::Voltage),
            ("MFG DATE", Kind::Date),
            ("P/N:", Kind::Part),
            ("PART No.", Kind::Part),
            ("IP", Kind::Protection),
            ("POTENCIA", Kind::Power),
        ] {
            assert_eq!(whole(text), Some(kind), "{text}");
        }
    }

    #[test]
    fn a_label_before_its_value_ends_where_the_value_begins() {
        for (text, value) in [
            ("S/N ZTU225909", "ZTU225909"),
            ("S/N:ZTU225909", "ZTU225909"),
            ("Serial Number PDRNJLCU09H", "PDRNJLCU09H"),
            ("SERIE2020X897867", "2020X897867"),
            ("No. de serie: AB-1", "AB-1"),
            ("Serial NumberPR635737", "PR635737"),
            ("SERIAL N123456", "N123456"),
            ("SERIAL No.NWC8-02701-9M2", "NWC8-02701-9M2"),
            ("SERIAL No.123456", "123456"),
            ("SSRIAL Ne. NAC5AV6J", "NAC5AV6J"),
            ("S/L2011E895134", "2011E895134"),
            ("Serial Number PR635737", "PR635737"),
        ] {
            let found = at_beginning(text).unwrap();
            assert_eq!(found.kind, Kind::Serial, "{text}");
            assert_eq!(text.chars().skip(found.taken).collect::<String>(), value);
        }
    }

    #[test]
    fn what_is_no_label_is_none() {
        for text in [
            "MOTORES DEL SUR",
            "EN8XL5FK9Z50",
            "380/660 V",
            "HECHO EN MÉXICO",
            "SN8XL5FK9",
            "S1N4X2",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
