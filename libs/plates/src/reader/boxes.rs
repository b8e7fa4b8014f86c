//! What is drawn around lines: turned, widened and compared.

use crate::geometry::{Corners, angle, centre, size};

/// The direction of most of the text, right or down.
pub(super) fn main_direction(lines: &[Corners]) -> f32 {
    // Doubled, so that both ways along a line are one.
    let (x, y) = lines.iter().fold((0.0, 0.0), |(x, y), corners| {
        let (width, height) = size(corners);
        let weight = (width - height).max(0.0);
        let doubled = angle(corners) * 2.0;
        (x + doubled.cos() * weight, y + doubled.sin() * weight)
    });
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    y.atan2(x) / 2.0
}

/// The corners from that one on whose side runs most in this direction.
pub(super) fn facing(corners: Corners, direction: f32) -> Corners {
    let [a, b, c, d] = corners;
    [[a, b, c, d], [b, c, d, a], [c, d, a, b], [d, a, b, c]]
        .into_iter()
        .max_by(|one, other| {
            let along = |corners: &Corners| (angle(corners) - direction).cos();
            along(one).total_cmp(&along(other))
        })
        .unwrap_or(corners)
}

pub(super) fn turn([a, b, c, d]: Corners) -> Corners {
    [c, d, a, b]
}

/// Wider on all sides by a share of the height; tighter by half as much at its ends, where a character would be cut.
pub(super) fn grown(corners: &Corners, share: f32) -> Corners {
    let (width, height) = size(corners);
    let (x, y) = centre(corners);
    let by = share * height;
    let ends = if share < 0.0 { by / 2.0 } else { by };
    let (across, up) = (
        1.0 + 2.0 * ends / width.max(1.0),
        1.0 + 2.0 * by / height.max(1.0),
    );
    let direction = angle(corners);
    let (sin, cos) = direction.sin_cos();
    corners.map(|(px, py)| {
        let (dx, dy) = (px - x, py - y);
        let (along, off) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let (along, off) = (along * across, off * up);
        (x + along * cos - off * sin, y + along * sin + off * cos)
    })
}

/// Whether two lines are the same text, drawn a little otherwise: one may be longer, and none may stand below the other.
pub(super) fn same_place(a: &Corners, b: &Corners) -> bool {
    let ((width, height), (other_width, other_height)) = (size(a), size(b));
    let longer = if width > other_width { a } else { b };
    let (sin, cos) = angle(longer).sin_cos();
    let (from, to) = (centre(a), centre(b));
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (along, off) = ((dx * cos + dy * sin).abs(), (dy * cos - dx * sin).abs());
    let lower = height.min(other_height);
    off < lower * 0.5
        && along < lower * 0.7 + (width - other_width).abs() / 2.0
        && along < width.max(other_width) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: f32, y: f32, width: f32, height: f32) -> Corners {
        [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    }

    #[test]
    fn a_short_line_below_a_long_one_is_another() {
        let long = line(0.0, 0.0, 600.0, 60.0);
        assert!(same_place(&long, &line(10.0, 4.0, 580.0, 70.0)));
        assert!(same_place(&long, &line(0.0, 5.0, 300.0, 50.0)));
        assert!(!same_place(&long, &line(0.0, 70.0, 370.0, 60.0)));
    }
}
