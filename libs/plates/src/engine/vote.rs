//! One text out of several looks at the same line.
//!
//! Each look proposes what it read; the looks' second thoughts on single characters are proposed as well. Every proposal is
//! then rated by all looks, over all ways to spread it over their steps, and what is likeliest on the whole is taken. How sure
//! a character is, is the share of the proposals that agree on it.

use super::ctc::{Emission, Read};

/// The most proposals.
const MAX_PROPOSALS: usize = 48;
/// A second thought counts from this probability, as a logarithm.
const SECOND: f32 = -3.5;
/// A look that finds a proposal impossible may be the one that is spoiled: so much it counts at least, beside its own best.
const DISSENT: f32 = -6.0;
/// Looks at one picture share its faults: six are worth no more than so many pictures.
const WORTH: f32 = 2.5;

/// The text of several looks, with how sure each character is.
pub(crate) fn vote(looks: &[Emission], characters: &[char]) -> Vec<Read> {
    let mut proposals: Vec<Vec<Read>> = Vec::new();
    for look in looks {
        propose(&mut proposals, look.greedy(characters));
    }
    for look in looks {
        for other in second_thoughts(look, characters) {
            propose(&mut proposals, other);
        }
    }
    let class = |c: char| characters.iter().position(|own| *own == c).unwrap_or_default();
    let classes = |text: &Vec<Read>| text.iter().map(|read| class(read.character)).collect::<Vec<_>>();
    let mut rated: Vec<(f32, Vec<Read>)> = proposals.into_iter().map(|text| (habit(&text), text)).collect();
    for look in looks {
        let own: Vec<f32> = rated
            .iter()
            .map(|(_, text)| look.likelihood(&classes(text)))
            .collect();
        let best = own.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for ((rate, _), own) in rated.iter_mut().zip(own) {
            *rate += ((own - best).exp() + DISSENT.exp()).ln() * WORTH / looks.len() as f32;
        }
    }
    let most = rated
        .iter()
        .map(|(rate, _)| *rate)
        .fold(f32::NEG_INFINITY, f32::max);
    let whole: f32 = rated.iter().map(|(rate, _)| (rate - most).exp()).sum();
    let Some((_, best)) = rated.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Vec::new();
    };
    let mut best = best.clone();
    for (place, read) in best.clone().iter().enumerate() {
        let agree: f32 = rated
            .iter()
            .filter(|(_, text)| {
                text.len() == best.len() && text.get(place).is_some_and(|own| own.character == read.character)
            })
            .map(|(rate, _)| (rate - most).exp())
            .sum();
        // No more sure than the looks themselves are.
        let own = looks
            .iter()
            .map(|look| look.best_near(read.at, class(read.character)))
            .sum::<f32>()
            / looks.len().max(1) as f32;
        if let Some(read) = best.get_mut(place) {
            read.sure = (agree / whole).min(own.max(0.05)).clamp(0.0, 1.0);
        }
    }
    best
}

/// What makers do: of proposals that are equally well seen, the usual form is the likelier.
fn habit(text: &[Read]) -> f32 {
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

fn propose(proposals: &mut Vec<Vec<Read>>, text: Vec<Read>) {
    let same = |own: &Vec<Read>| {
        own.iter()
            .map(|r| r.character)
            .eq(text.iter().map(|r| r.character))
    };
    if !text.is_empty() && proposals.len() < MAX_PROPOSALS && !proposals.iter().any(same) {
        proposals.push(text);
    }
}

/// What a look read, with one character each replaced by the second likeliest, or left out.
fn second_thoughts(look: &Emission, characters: &[char]) -> Vec<Vec<Read>> {
    let text = look.greedy(characters);
    let mut others = Vec::new();
    for (place, read) in text.iter().enumerate() {
        let step = ((read.at / look.scale) - 0.5).round() as usize;
        let Some(row) = look.rows.get(step) else { continue };
        let mut ranked: Vec<(usize, f32)> = row.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let own = characters.iter().position(|c| *c == read.character);
        for (class, log) in ranked.into_iter().take(3) {
            if Some(class) == own || log < SECOND {
                continue;
            }
            let mut other = text.clone();
            match characters.get(class).filter(|_| class != 0) {
                Some(character) => {
                    if let Some(read) = other.get_mut(place) {
                        read.character = *character;
                    }
                }
                None => {
                    other.remove(place);
                }
            }
            others.push(other);
        }
    }
    others
}

impl Emission {
    /// The most that a class reaches near a place of the line.
    fn best_near(&self, at: f32, class: usize) -> f32 {
        let step = at / self.scale.max(f32::EPSILON);
        let from = (step - 2.5).max(0.0) as usize;
        let near = self.rows.iter().skip(from).take(5);
        near.filter_map(|row| row.get(class))
            .copied()
            .fold(f32::NEG_INFINITY, f32::max)
            .exp()
    }
}
