//! What the recogniser learned of worn plates.
//!
//! Its makers trained it with print. Embossed, faint, blurred and grainy lines are other pictures, and it calls much of them
//! nothing. It was shown 22,000 lines of characters in many fonts, drawn so and photographed so by the scripts in
//! tests/ocr-eval/lessons, and small changes of its weights were kept: of layers with few weights each weight's, of the others
//! the product of two narrow matrices. As the model's file is pinned, each change names the place of its weights in that file.
//!
//! It never replaces what the plain model reads: both have a voice where a line is looked at again.

use super::{Head, WIDTH};

/// The changes: see tests/ocr-eval/lessons, which writes them.
const LESSONS: &[u8] = include_bytes!("worn.bin");
/// How the file begins.
const MARK: &[u8] = b"PLATE-LESSONS-1\n";

/// The changes of a model's weights.
pub(super) struct Lessons {
    layers: Vec<Layer>,
    characters: Vec<(char, Vec<f32>)>,
}

/// The change of one layer: the product of `left` (`rows` by `rank`) and `right` (`rank` by `columns`); without a `right`,
/// `left` itself.
struct Layer {
    at: usize,
    columns: usize,
    rank: usize,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Lessons {
    /// Reads them; none when they are damaged.
    pub(super) fn read() -> Option<Self> {
        let mut rest = LESSONS.strip_prefix(MARK)?;
        let mut layers = Vec::new();
        for _ in 0..number(&mut rest)? {
            let at = number(&mut rest)?;
            let (rows, columns, rank) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
            let left = values(&mut rest, rows.checked_mul(rank.max(1))?)?;
            let right = values(&mut rest, columns.checked_mul(rank)?)?;
            layers.push(Layer {
                at,
                columns,
                rank,
                left,
                right,
            });
        }
        let mut characters = Vec::new();
        for _ in 0..number(&mut rest)? {
            let character = char::from_u32(u32::try_from(number(&mut rest)?).ok()?)?;
            characters.push((character, values(&mut rest, WIDTH + 1)?));
        }
        rest.is_empty().then_some(Self { layers, characters })
    }

    /// Changes the weights in the model's file; none when a place is outside of it.
    pub(super) fn change(&self, file: &mut [u8]) -> Option<()> {
        for layer in &self.layers {
            let changes = layer.changes();
            let weights = file.get_mut(layer.at..layer.at.checked_add(changes.len() * 4)?)?;
            for (weight, change) in weights.chunks_exact_mut(4).zip(changes) {
                let own = f32::from_le_bytes(weight.try_into().ok()?);
                weight.copy_from_slice(&(own + change).to_le_bytes());
            }
        }
        Some(())
    }

    /// Changes the last layer.
    pub(super) fn change_head(&self, head: &mut Head) {
        for (character, changes) in &self.characters {
            let Some(class) = head.characters.iter().position(|own| own == character) else {
                continue;
            };
            if let Some(weights) = head.weights.get_mut(class) {
                weights
                    .iter_mut()
                    .zip(changes)
                    .for_each(|(own, change)| *own += change);
            }
            if let Some((bias, change)) = head.biases.get_mut(class).zip(changes.last()) {
                *bias += change;
            }
        }
    }
}

impl Layer {
    fn changes(&self) -> Vec<f32> {
        if self.rank == 0 {
            return self.left.clone();
        }
        let mut all = Vec::with_capacity(self.left.len() / self.rank * self.columns);
        for row in self.left.chunks_exact(self.rank) {
            let from = all.len();
            all.resize(from + self.columns, 0.0_f32);
            for (share, right) in row.iter().zip(self.right.chunks_exact(self.columns.max(1))) {
                let own = all.get_mut(from..).unwrap_or_default();
                own.iter_mut()
                    .zip(right)
                    .for_each(|(own, value)| *own += share * value);
            }
        }
        all
    }
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (own, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    usize::try_from(u32::from_le_bytes(*own)).ok()
}

/// So many values: what one step is worth, and how many steps each has.
fn values(rest: &mut &[u8], count: usize) -> Option<Vec<f32>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let (step, behind) = rest.split_first_chunk::<4>()?;
    let (steps, behind) = behind.split_at_checked(count)?;
    *rest = behind;
    let step = f32::from_le_bytes(*step);
    Some(
        steps
            .iter()
            .map(|own| f32::from(own.cast_signed()) * step)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_are_whole_and_change_a_file_only_where_it_has_room() {
        let lessons = Lessons::read().unwrap();
        let last = lessons.layers.iter().map(|layer| layer.at).max().unwrap();
        assert!(lessons.change(&mut vec![0; last]).is_none());
        let mut file = vec![0; 22_000_000];
        assert!(lessons.change(&mut file).is_some());
        assert!(file.iter().any(|byte| *byte != 0));
    }

    #[test]
    fn a_product_of_narrow_matrices_is_what_a_layer_changes_by() {
        let layer = Layer {
            at: 0,
            columns: 2,
            rank: 1,
            left: vec![2.0, 3.0],
            right: vec![1.0, -1.0],
        };
        assert_eq!(layer.changes(), [2.0, -2.0, 3.0, -3.0]);
    }
}
