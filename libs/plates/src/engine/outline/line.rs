//! A straight line of a picture.

use super::edges::Slopes;
use crate::geometry::Point;

/// Beyond the picture's rim by so many pixels of the copy, corners may lie.
pub(super) const BEYOND: f32 = 8.0;

/// A line, and where along it edges are.
pub(super) struct Line {
    degrees: i32,
    sin: f32,
    cos: f32,
    away: f32,
    middle: Point,
    /// How many edges there are up to each pixel along it.
    sums: Vec<f32>,
    reach: f32,
}

impl Line {
    pub(super) fn of(degrees: i32, away: f32, slopes: &Slopes) -> Self {
        let (sin, cos) = (degrees as f32).to_radians().sin_cos();
        let middle = (slopes.width as f32 / 2.0, slopes.height as f32 / 2.0);
        let reach = middle.0.hypot(middle.1) + BEYOND;
        let mut line = Self {
            degrees,
            sin,
            cos,
            away,
            middle,
            sums: vec![0.0],
            reach,
        };
        let mut sum = 0.0;
        for along in 0..(reach * 2.0) as i32 {
            let (x, y) = line.point(along as f32 - reach);
            let across = [-1.0, 0.0, 1.0].map(|off| {
                let slope = slopes.at((x + cos * off).round() as i32, (y + sin * off).round() as i32);
                (slope.0 * cos + slope.1 * sin).abs()
            });
            if across.into_iter().fold(0.0, f32::max) > slopes.edge * 0.8 {
                sum += 1.0;
            }
            line.sums.push(sum);
        }
        line
    }

    fn point(&self, along: f32) -> Point {
        (
            self.middle.0 + self.away * self.cos - along * self.sin,
            self.middle.1 + self.away * self.sin + along * self.cos,
        )
    }

    /// The share of the way between two of its points that is an edge.
    pub(super) fn share(&self, from: Point, to: Point) -> f32 {
        let along = |(x, y): Point| {
            let along = (y - self.middle.1) * self.cos - (x - self.middle.0) * self.sin;
            ((along + self.reach).max(0.0) as usize).min(self.sums.len().saturating_sub(1))
        };
        let (a, b) = (along(from), along(to));
        let (a, b) = (a.min(b), a.max(b));
        let edges = self.sums.get(b).zip(self.sums.get(a)).map_or(0.0, |(b, a)| b - a);
        edges / (b - a).max(1) as f32
    }

    pub(super) fn meets(&self, other: &Self) -> Point {
        let whole = self.cos * other.sin - self.sin * other.cos;
        let whole = if whole.abs() < 0.1 { 0.1 } else { whole };
        (
            self.middle.0 + (self.away * other.sin - other.away * self.sin) / whole,
            self.middle.1 + (other.away * self.cos - self.away * other.cos) / whole,
        )
    }

    /// The angle between two lines, in degrees: at most 90.
    pub(super) fn angle_to(&self, other: &Self) -> i32 {
        let between = (self.degrees - other.degrees).rem_euclid(180);
        between.min(180 - between)
    }
}
