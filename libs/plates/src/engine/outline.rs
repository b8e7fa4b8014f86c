//! The plate's own edges, by which it is straightened as a whole.
//!
//! Straight edges of a small copy vote for lines; two pairs of lines that run along each other enclose a plate. Any rectangle
//! of the plate will do, its rim as well as its outermost rule: all straighten it alike. Where nothing encloses much of the
//! picture, there is none, and nothing is straightened.

mod edges;
mod line;
mod votes;

use image::{RgbImage, imageops};

use self::edges::Slopes;
use self::line::{BEYOND, Line};
use crate::geometry::{Corners, Point, distance};

/// The longer side of the copy that is looked at.
const SIDE: u32 = 400;
/// Opposite sides run along each other within this, in degrees: more is not how plates are photographed.
const ALONG: i32 = 32;
/// Neighbouring sides differ at least by this.
const ACROSS: i32 = 50;
/// A plate takes at least this share of the picture.
const LEAST_AREA: f32 = 0.08;
/// Of each side at least this share is an edge.
const LEAST_SIDE: f32 = 0.35;
/// How well its sides must be edges on the whole.
const LEAST_SCORE: f32 = 0.75;

/// The corners of the plate in a picture, clockwise, beginning with the longer side that runs most to the right.
pub(crate) fn outline(picture: &RgbImage) -> Option<Corners> {
    let longer = picture.width().max(picture.height());
    let scale = SIDE.min(longer) as f32 / longer.max(1) as f32;
    let side = |own: u32| ((own as f32 * scale).round() as u32).max(1);
    let small = imageops::thumbnail(picture, side(picture.width()), side(picture.height()));
    let slopes = Slopes::of(&small);
    let lines = slopes.lines();
    let corners = best(&lines, &slopes)?;
    let across = picture.width() as f32 / slopes.width as f32;
    let down = picture.height() as f32 / slopes.height as f32;
    Some(ordered(
        corners.map(|(x, y)| ((x + 0.5) * across, (y + 0.5) * down)),
    ))
}

/// The four lines that enclose the plate, as its corners in the copy.
fn best(lines: &[Line], slopes: &Slopes) -> Option<Corners> {
    let mut pairs: Vec<(&Line, &Line)> = Vec::new();
    for (count, one) in lines.iter().enumerate() {
        for other in lines.iter().take(count) {
            if one.angle_to(other) < ALONG {
                pairs.push((one, other));
            }
        }
    }
    let mut found: Option<(f32, Corners)> = None;
    for (count, (a, c)) in pairs.iter().enumerate() {
        for (b, d) in pairs.iter().take(count) {
            if [a, c]
                .iter()
                .any(|one| [b, d].iter().any(|other| one.angle_to(other) < ACROSS))
            {
                continue;
            }
            let corners = [a.meets(b), b.meets(c), c.meets(d), d.meets(a)];
            let Some(area) = enclosed(&corners, slopes) else {
                continue;
            };
            let [p, q, r, s] = corners;
            let sides = [b.share(p, q), c.share(q, r), d.share(r, s), a.share(s, p)];
            let least = sides.iter().copied().fold(1.0, f32::min);
            let score = sides.iter().sum::<f32>() / 4.0 * 0.7 + least * 0.3 + 0.35 * area.min(0.6);
            if least > LEAST_SIDE && score > found.map_or(LEAST_SCORE, |(best, _)| best) {
                found = Some((score, corners));
            }
        }
    }
    found.map(|(_, corners)| corners)
}

/// The share of the copy between the corners, when these make a plate: convex, in the copy, and large enough.
fn enclosed(corners: &Corners, slopes: &Slopes) -> Option<f32> {
    let (right, bottom) = (slopes.width as f32 + BEYOND, slopes.height as f32 + BEYOND);
    let inside = |(x, y): &Point| *x > -BEYOND && *y > -BEYOND && *x < right && *y < bottom;
    if !corners.iter().all(inside) {
        return None;
    }
    let [a, b, c, d] = *corners;
    let turn = |p: Point, q: Point, r: Point| (q.0 - p.0) * (r.1 - q.1) - (q.1 - p.1) * (r.0 - q.0);
    let turns = [turn(a, b, c), turn(b, c, d), turn(c, d, a), turn(d, a, b)];
    let convex = turns.iter().all(|turn| *turn > 0.0) || turns.iter().all(|turn| *turn < 0.0);
    let area = (turn(a, b, c) + turn(c, d, a)).abs() / 2.0 / (slopes.width * slopes.height) as f32;
    (convex && area >= LEAST_AREA).then_some(area)
}

/// Clockwise, from the longer side on that runs most to the right.
fn ordered(corners: Corners) -> Corners {
    let [a, b, c, d] = corners;
    let turn = (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0);
    let [a, b, c, d] = if turn > 0.0 { [a, b, c, d] } else { [a, d, c, b] };
    let longer = distance(a, b) + distance(c, d) >= distance(b, c) + distance(d, a);
    let [a, b, c, d] = if longer { [a, b, c, d] } else { [b, c, d, a] };
    if b.0 - a.0 + c.0 - d.0 >= 0.0 {
        [a, b, c, d]
    } else {
        [c, d, a, b]
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    /// A grey wall with a bright plate on it, and some dark lines on that.
    fn photograph(plate: &Corners) -> RgbImage {
        let way = crate::geometry::Perspective::of(100.0, 50.0, plate).back();
        RgbImage::from_fn(800, 600, |x, y| {
            let (u, v) = way.at(x as f32, y as f32);
            let grain = (x * 7 + y * 13) % 11;
            let grey = match (u, v) {
                (0.0..=100.0, 0.0..=50.0) if v % 12.0 > 9.0 && u % 5.0 > 2.0 && u < 60.0 => 60,
                (0.0..=100.0, 0.0..=50.0) => 180,
                _ => 90,
            };
            Rgb([(grey + grain) as u8; 3])
        })
    }

    #[test]
    fn a_plate_is_found_however_it_lies() {
        for plate in [
            [(150.0, 120.0), (650.0, 150.0), (630.0, 430.0), (140.0, 400.0)],
            [(200.0, 60.0), (700.0, 260.0), (620.0, 520.0), (130.0, 300.0)],
            [(140.0, 330.0), (600.0, 110.0), (690.0, 330.0), (220.0, 540.0)],
        ] {
            let found = outline(&photograph(&plate)).unwrap();
            for (corner, wanted) in found.iter().zip(plate) {
                assert!(distance(*corner, wanted) < 8.0, "{found:?} {plate:?}");
            }
        }
    }

    #[test]
    fn where_there_is_no_plate_none_is_made_up() {
        let wall = RgbImage::from_fn(640, 480, |x, y| Rgb([(120 + (x * 7 + y * 13) % 17) as u8; 3]));
        assert!(outline(&wall).is_none());
        assert!(outline(&RgbImage::new(2_000, 20)).is_none());
    }
}
