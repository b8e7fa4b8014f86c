//! Where the brightness changes, and the lines on which it does.

use image::RgbImage;

use super::line::Line;
use super::votes::Votes;
use crate::engine::enhance::mean;
use crate::geometry::Point;

/// The share of pixels that are no edge.
const FLAT: f32 = 0.88;
/// The most lines.
const MAX_LINES: usize = 28;
/// How far a pixel's own direction may be from its line's, in degrees.
const SPREAD: i32 = 6;

/// How the brightness changes at each pixel, of the colour in which it changes most.
pub(super) struct Slopes {
    values: Vec<Point>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// From here, a change is an edge.
    pub(super) edge: f32,
}

impl Slopes {
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut values = vec![(0.0_f32, 0.0_f32); width * height];
        for channel in 0..3 {
            let one = picture.as_raw().iter().skip(channel).step_by(3);
            let one: Vec<f32> = one.map(|value| f32::from(*value)).collect();
            let soft = mean(&mean(&one, width, 1), width, 1);
            let at = |x: usize, y: usize| soft.get(y * width + x).copied().unwrap_or_default();
            for y in MARGIN..height.saturating_sub(MARGIN) {
                for x in MARGIN..width.saturating_sub(MARGIN) {
                    let new = (at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
                    if let Some(own) = values.get_mut(y * width + x)
                        && strength(new) > strength(*own)
                    {
                        *own = new;
                    }
                }
            }
        }
        let mut sorted: Vec<f32> = values.iter().map(|own| strength(*own)).collect();
        sorted.sort_by(f32::total_cmp);
        let edge = sorted
            .get((sorted.len() as f32 * FLAT) as usize)
            .copied()
            .unwrap_or_default();
        Self {
            values,
            width,
            height,
            edge: edge.max(f32::EPSILON),
        }
    }

    pub(super) fn at(&self, x: i32, y: i32) -> Point {
        let inside = usize::try_from(x).ok().filter(|x| *x < self.width);
        let place = inside.zip(usize::try_from(y).ok());
        place
            .and_then(|(x, y)| self.values.get(y * self.width + x))
            .copied()
            .unwrap_or_default()
    }

    /// The pixels that change more than those before and behind them.
    fn edges(&self) -> Vec<(Point, Point)> {
        let mut found = Vec::new();
        for y in 0..self.height as i32 {
            for x in 0..self.width as i32 {
                let own = self.at(x, y);
                let much = strength(own);
                if much <= self.edge {
                    continue;
                }
                let (dx, dy) = ((own.0 / much).round() as i32, (own.1 / much).round() as i32);
                if much >= strength(self.at(x + dx, y + dy)) && much >= strength(self.at(x - dx, y - dy)) {
                    found.push(((x as f32, y as f32), own));
                }
            }
        }
        found
    }

    /// The lines that most edges lie on.
    pub(super) fn lines(&self) -> Vec<Line> {
        let edges = self.edges();
        let mut strengths: Vec<f32> = edges.iter().map(|(_, slope)| strength(*slope)).collect();
        strengths.sort_by(f32::total_cmp);
        let usual = strengths.get(strengths.len() * 3 / 5).copied().unwrap_or(1.0);
        let mut votes = Votes::of(self.width, self.height);
        for ((x, y), slope) in &edges {
            let weight = (strength(*slope) / usual).min(1.0);
            let own = slope.1.atan2(slope.0).to_degrees().round() as i32;
            for off in -SPREAD..=SPREAD {
                votes.add(own + off, (*x, *y), weight * (1.0 - off.abs() as f32 / 10.0));
            }
        }
        let mut lines = Vec::new();
        while lines.len() < MAX_LINES {
            let Some((turn, away)) = votes.take_most() else {
                break;
            };
            lines.push(Line::of(turn, away, self));
        }
        lines
    }
}

/// Pixels at the rim of the copy that say nothing.
const MARGIN: usize = 3;

fn strength(slope: Point) -> f32 {
    slope.0.hypot(slope.1)
}
