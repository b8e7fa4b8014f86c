//! One text out of several looks at the same line.
//!
//! Each look proposes what it read; the looks' second thoughts on single characters are proposed as well. Every proposal is
//! then rated by all looks, over all ways to spread it over their steps, and what is likeliest on the whole is taken. How sure
//! a character is, is the share of the proposals that agree on it.

mod habit;

use self::habit::habit;
use super::ctc::{Emission, Read};

/// The most proposals.
const MAX_PROPOSALS: usize = 48;
/// How often the best is improved.
const ROUNDS: usize = 3;
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
        propose(&mut proposals, look.greedy(characters), MAX_PROPOSALS);
    }
    for look in looks {
        for other in second_thoughts(look, &look.greedy(characters), characters) {
            propose(&mut proposals, other, MAX_PROPOSALS);
        }
    }
    let class = |c: char| characters.iter().position(|own| *own == c).unwrap_or_default();
    let classes = |text: &Vec<Read>| text.iter().map(|read| class(read.character)).collect::<Vec<_>>();
    let seen = |text: &Vec<Read>| {
        let classes = classes(text);
        looks
            .iter()
            .map(|look| look.likelihood(&classes))
            .collect::<Vec<f32>>()
    };
    let mut all: Vec<Vec<f32>> = proposals.iter().map(seen).collect();
    // What each look likes best.
    let bests: Vec<f32> = (0..looks.len())
        .map(|look| {
            all.iter()
                .filter_map(|own| own.get(look))
                .copied()
                .fold(f32::NEG_INFINITY, f32::max)
        })
        .collect();
    let rated = |text: &Vec<Read>, own: &[f32]| {
        let looks = own
            .iter()
            .zip(&bests)
            .map(|(own, best)| ((own - best).exp() + DISSENT.exp()).ln());
        habit(text) + looks.sum::<f32>() * WORTH / bests.len().max(1) as f32
    };
    let mut rates: Vec<f32> = proposals
        .iter()
        .zip(&all)
        .map(|(text, own)| rated(text, own))
        .collect();
    // No look may have read all of it: the best is improved, one character at a time, by what any look thinks of it.
    for _ in 0..ROUNDS {
        let Some(best) = most(&rates).and_then(|at| proposals.get(at)).cloned() else {
            break;
        };
        let before = proposals.len();
        for look in looks {
            for other in second_thoughts(look, &best, characters) {
                propose(&mut proposals, other, before + MAX_PROPOSALS);
            }
        }
        let new: Vec<Vec<f32>> = proposals.iter().skip(before).map(seen).collect();
        rates.extend(
            proposals
                .iter()
                .skip(before)
                .zip(&new)
                .map(|(text, own)| rated(text, own)),
        );
        all.extend(new);
        if most(&rates).is_none_or(|at| at < before) {
            break;
        }
    }
    let Some(at) = most(&rates) else {
        return Vec::new();
    };
    let top = rates.get(at).copied().unwrap_or_default();
    let whole: f32 = rates.iter().map(|rate| (rate - top).exp()).sum();
    let mut best = proposals.get(at).cloned().unwrap_or_default();
    for (place, read) in best.clone().iter().enumerate() {
        let agree: f32 = proposals
            .iter()
            .zip(&rates)
            .filter(|(text, _)| {
                text.len() == best.len() && text.get(place).is_some_and(|own| own.character == read.character)
            })
            .map(|(_, rate)| (rate - top).exp())
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

/// Where the most is.
fn most(rates: &[f32]) -> Option<usize> {
    let best = rates.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map(|(at, _)| at)
}

fn propose(proposals: &mut Vec<Vec<Read>>, text: Vec<Read>, limit: usize) {
    let same = |own: &Vec<Read>| {
        own.iter()
            .map(|r| r.character)
            .eq(text.iter().map(|r| r.character))
    };
    if !text.is_empty() && proposals.len() < limit && !proposals.iter().any(same) {
        proposals.push(text);
    }
}

/// A text with one character each replaced by what a look finds likeliest there, or left out.
fn second_thoughts(look: &Emission, text: &[Read], characters: &[char]) -> Vec<Vec<Read>> {
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
            let mut other = text.to_vec();
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [char; 5] = ['\0', 'A', 'B', 'C', 'D'];

    /// A look that is quite sure of each character, but for one that it takes for another.
    fn look(text: [usize; 3], doubt: usize, second: usize) -> Emission {
        let mut rows = Vec::new();
        for (place, class) in text.into_iter().enumerate() {
            let mut row = vec![0.002; NAMES.len()];
            let (own, other) = if place == doubt {
                (0.55, 0.44)
            } else {
                (0.99, 0.002)
            };
            if let Some(cell) = row.get_mut(class) {
                *cell = own;
            }
            if let Some(cell) = row.get_mut(second).filter(|_| place == doubt) {
                *cell = other;
            }
            rows.push(row.into_iter().map(|p: f32| p.ln()).collect());
            rows.push(vec![
                0.99_f32.ln(),
                0.0025_f32.ln(),
                0.0025_f32.ln(),
                0.0025_f32.ln(),
                0.0025_f32.ln(),
            ]);
        }
        Emission {
            rows,
            scale: 1.0 / 6.0,
        }
    }

    #[test]
    fn what_no_look_read_as_a_whole_is_found_when_they_agree_on_its_parts() {
        // The truth is A B C; each is wrong at another place, in doubt, where the two others are clear.
        let looks = [
            look([4, 2, 3], 0, 1),
            look([1, 4, 3], 1, 2),
            look([1, 2, 4], 2, 3),
        ];
        let text: String = vote(&looks, &NAMES).iter().map(|read| read.character).collect();
        assert_eq!(text, "ABC");
        assert!(vote(&[], &NAMES).is_empty());
    }
}
