//! A plate as it is seen: a plane, askew in the picture.

use image::{Rgb, RgbImage};

use super::crop::sample;
use crate::geometry::{Corners, Perspective, angle, size};

/// The cosine of how far a line may lie off the plate's direction: a good twenty degrees.
const LEAST_TURN: f32 = 0.93;

/// The front is drawn no larger than this against the picture: there is no more to see.
const MAGNIFIED: f32 = 2.0;
/// A line of text needs so many pixels.
const MIN_SIDE: u32 = 64;

/// A plate in its own plane.
pub(crate) struct Plane {
    way: Perspective,
    back: Perspective,
    corners: Corners,
}

impl Plane {
    /// That of the plate with these corners.
    pub(crate) fn of(corners: &Corners) -> Self {
        let (width, height) = size(corners);
        let way = Perspective::of(width.max(1.0), height.max(1.0), corners);
        Self {
            back: way.back(),
            way,
            corners: *corners,
        }
    }

    /// The plate as if photographed from in front, in grey, with how many of its pixels one of the picture is.
    pub(crate) fn front(&self, picture: &RgbImage, most: u32) -> (RgbImage, f32) {
        let (width, height) = size(&self.corners);
        let scale = (most as f32 / width.max(height).max(1.0)).min(MAGNIFIED);
        let side = |own: f32| ((own * scale).round() as u32).max(MIN_SIDE);
        let front = RgbImage::from_fn(side(width), side(height), |x, y| {
            let (u, v) = self.way.at((x as f32 + 0.5) / scale, (y as f32 + 0.5) / scale);
            let [r, g, b] = sample(picture, u - 0.5, v - 0.5);
            Rgb([(0.3 * r + 0.59 * g + 0.11 * b) as u8; 3])
        });
        (front, scale)
    }

    /// A line of the front, in the picture.
    pub(crate) fn seen(&self, corners: &Corners, scale: f32) -> Corners {
        corners.map(|(x, y)| self.way.at(x / scale, y / scale))
    }

    /// A line of the picture as it stands on the plate: what was drawn around slanted text becomes as slanted as it. Where it
    /// would become much other, it is no line of this plate, and stays.
    pub(crate) fn straightened(&self, corners: &Corners) -> Corners {
        let [a, b, c, d] = corners.map(|(x, y)| self.back.at(x, y));
        let (left, right) = ((a.0 + d.0) / 2.0, (b.0 + c.0) / 2.0);
        let (top, bottom) = ((a.1 + b.1) / 2.0, (c.1 + d.1) / 2.0);
        let other =
            [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| self.way.at(x, y));
        let ((width, height), (other_width, other_height)) = (size(corners), size(&other));
        let alike = |own: f32, other: f32| other > own * 0.75 && other < own * 1.35;
        let turned = (angle(corners) - angle(&other)).cos() > LEAST_TURN;
        if turned && alike(width, other_width) && alike(height, other_height) {
            other
        } else {
            *corners
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATE: Corners = [(100.0, 100.0), (500.0, 140.0), (460.0, 340.0), (80.0, 300.0)];

    #[test]
    fn what_was_drawn_around_slanted_text_becomes_as_slanted() {
        let plane = Plane::of(&PLATE);
        // Upright in the picture, where the plate's own uprights lean.
        let drawn = [(150.0, 180.0), (349.0, 200.0), (345.0, 240.0), (146.0, 220.0)];
        let straight = plane.straightened(&drawn);
        let on_plate = straight.map(|(x, y)| plane.back.at(x, y));
        assert!((on_plate[0].0 - on_plate[3].0).abs() < 0.5 && (on_plate[1].1 - on_plate[0].1).abs() < 0.5);
        let across = [(200.0, 100.0), (240.0, 100.0), (240.0, 300.0), (200.0, 300.0)];
        assert_eq!(
            plane.straightened(&[across[1], across[2], across[3], across[0]]),
            [across[1], across[2], across[3], across[0]]
        );
    }

    #[test]
    fn the_front_shows_the_plate_and_its_lines_are_found_again_in_the_picture() {
        let picture = RgbImage::from_fn(600, 400, |x, _| Rgb([if x < 290 { 200 } else { 20 }; 3]));
        let plane = Plane::of(&PLATE);
        let (front, scale) = plane.front(&picture, 1_000);
        assert!(front.width() <= 1_000 && scale <= MAGNIFIED);
        assert!(front.get_pixel(20, 100).0[0] > 150 && front.get_pixel(front.width() - 20, 100).0[0] < 50);
        let whole = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
            .map(|(x, y)| (x * front.width() as f32, y * front.height() as f32));
        let seen = plane.seen(&whole, scale);
        for (own, wanted) in seen.iter().zip(PLATE) {
            assert!(crate::geometry::distance(*own, wanted) < 3.0, "{seen:?}");
        }
    }
}
