//! From the recogniser's steps to characters.
//!
//! At each step across the line the model gives each character, and "none" (the blank), a probability. A text is what is left
//! when equal neighbours are taken as one and blanks dropped.

/// Of each step the logarithm of each class's probability; class 0 is the blank.
#[derive(Debug, Clone, Default)]
pub(crate) struct Emission {
    pub(crate) rows: Vec<Vec<f32>>,
    /// How much of the line's width a step is.
    pub(crate) scale: f32,
}

/// A character that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Read {
    pub(crate) character: char,
    /// Its probability at its best step.
    pub(crate) sure: f32,
    /// Where it stands, as a share of the line's width.
    pub(crate) at: f32,
}

impl Emission {
    /// The likeliest class at each step, taken together.
    pub(crate) fn greedy(&self, characters: &[char]) -> Vec<Read> {
        let mut text: Vec<Read> = Vec::new();
        let mut last = 0;
        for (step, row) in self.rows.iter().enumerate() {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let Some((class, log)) = best else { continue };
            let sure = log.exp();
            if class != 0 && class == last {
                if let Some(read) = text.last_mut() {
                    read.sure = read.sure.max(sure);
                }
            } else if class != 0 {
                text.extend(characters.get(class).map(|character| Read {
                    character: *character,
                    sure,
                    at: (step as f32 + 0.5) * self.scale,
                }));
            }
            last = class;
        }
        text
    }
}

impl Emission {
    /// The logarithm of the probability that the line says this, over all ways to spread it over the steps.
    pub(crate) fn likelihood(&self, classes: &[usize]) -> f32 {
        // States: blank, first, blank, second, … blank.
        let states = classes.len() * 2 + 1;
        let class = |state: usize| {
            if state % 2 == 1 {
                classes.get(state / 2).copied().unwrap_or_default()
            } else {
                0
            }
        };
        let mut now = vec![f32::NEG_INFINITY; states];
        for (step, row) in self.rows.iter().enumerate() {
            let chance = |state: usize| row.get(class(state)).copied().unwrap_or(f32::NEG_INFINITY);
            let before = |state: usize, back: usize| {
                state
                    .checked_sub(back)
                    .and_then(|state| now.get(state))
                    .copied()
                    .unwrap_or(f32::NEG_INFINITY)
            };
            let next: Vec<f32> = (0..states)
                .map(|state| {
                    if step == 0 {
                        return if state < 2 {
                            chance(state)
                        } else {
                            f32::NEG_INFINITY
                        };
                    }
                    let skips = state >= 2 && state % 2 == 1 && class(state) != class(state - 2);
                    let far = if skips {
                        before(state, 2)
                    } else {
                        f32::NEG_INFINITY
                    };
                    sum([before(state, 0), before(state, 1), far]) + chance(state)
                })
                .collect();
            now = next;
        }
        let last = now.last().copied().unwrap_or(f32::NEG_INFINITY);
        let before_last = states.checked_sub(2).and_then(|state| now.get(state)).copied();
        sum([last, before_last.unwrap_or(f32::NEG_INFINITY), f32::NEG_INFINITY])
    }
}

/// The logarithm of the sum of what these are the logarithms of.
fn sum(logs: [f32; 3]) -> f32 {
    let most = logs.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + logs.into_iter().map(|log| (log - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emission(rows: &[[f32; 3]]) -> Emission {
        Emission {
            rows: rows
                .iter()
                .map(|row| row.iter().map(|p| p.ln()).collect())
                .collect(),
            scale: 1.0 / rows.len() as f32,
        }
    }

    #[test]
    fn equal_neighbours_are_one_character_unless_a_blank_stands_between() {
        let names = ['\0', 'A', 'B'];
        let text = |rows: &[[f32; 3]]| {
            emission(rows)
                .greedy(&names)
                .iter()
                .map(|read| read.character)
                .collect::<String>()
        };
        assert_eq!(
            text(&[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]),
            "AB"
        );
        assert_eq!(text(&[[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]), "AA");
    }

    #[test]
    fn the_likelihoods_of_all_texts_make_one() {
        let two = emission(&[[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]);
        let texts: [&[usize]; 5] = [&[], &[1], &[2], &[1, 2], &[2, 1]];
        let whole: f32 = texts.iter().map(|text| two.likelihood(text).exp()).sum();
        assert!((whole - 1.0).abs() < 1e-5, "{whole}");
    }
}
