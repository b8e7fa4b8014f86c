//! Edges vote for the lines that they may lie on.

use crate::geometry::Point;

/// A line has at least the votes of so many pixels.
const LEAST_VOTES: f32 = 12.0;
/// Degrees of half a turn, one for each row of votes.
const TURN: usize = 180;

/// For each direction and distance from the middle, how many edges lie on that line.
pub(super) struct Votes {
    cells: Vec<f32>,
    reach: i32,
    middle: Point,
}

impl Votes {
    pub(super) fn of(width: usize, height: usize) -> Self {
        let middle = (width as f32 / 2.0, height as f32 / 2.0);
        let reach = middle.0.hypot(middle.1) as i32 + 3;
        Self {
            cells: vec![0.0; TURN * Self::row(reach)],
            reach,
            middle,
        }
    }

    fn row(reach: i32) -> usize {
        (reach * 2 + 1) as usize
    }

    /// The cell of a direction in degrees and a distance; a half turn is the same line from the other side.
    fn cell(&self, degrees: i32, away: i32) -> Option<usize> {
        let turned = degrees.rem_euclid(360);
        let (turn, away) = if turned >= 180 {
            (turned - 180, -away)
        } else {
            (turned, away)
        };
        let column = usize::try_from(away + self.reach).ok()?;
        (column < Self::row(self.reach)).then_some(turn as usize * Self::row(self.reach) + column)
    }

    pub(super) fn add(&mut self, degrees: i32, (x, y): Point, weight: f32) {
        let (sin, cos) = (degrees as f32).to_radians().sin_cos();
        let away = (x - self.middle.0) * cos + (y - self.middle.1) * sin;
        for near in [away.floor() as i32, away.floor() as i32 + 1] {
            if let Some(cell) = self.cell(degrees, near).and_then(|at| self.cells.get_mut(at)) {
                *cell += weight;
            }
        }
    }

    /// The line with most votes; those beside it are taken away with it.
    pub(super) fn take_most(&mut self) -> Option<(i32, f32)> {
        let (at, most) = self.cells.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        if *most < LEAST_VOTES {
            return None;
        }
        let row = Self::row(self.reach);
        let (degrees, away) = ((at / row) as i32, (at % row) as i32 - self.reach);
        for turn in degrees - 4..=degrees + 4 {
            for off in -4..=4 {
                if let Some(cell) = self.cell(turn, away + off).and_then(|at| self.cells.get_mut(at)) {
                    *cell = 0.0;
                }
            }
        }
        Some((degrees, away as f32))
    }
}
