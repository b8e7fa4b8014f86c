//! Where things stand to each other, in the text's own frame: turned upright, however the plate was photographed.

use std::f32::consts::PI;

use crate::geometry::{Corners, angle, size};

/// A line in the text's frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Box {
    pub(crate) left: f32,
    pub(crate) right: f32,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

impl Box {
    pub(crate) fn height(&self) -> f32 {
        (self.bottom - self.top).max(1.0)
    }

    fn middle(&self) -> f32 {
        (self.top + self.bottom) / 2.0
    }
}

/// The direction in which most of the text runs.
pub(crate) fn direction(lines: &[Corners]) -> f32 {
    let (x, y) = lines.iter().fold((0.0, 0.0), |(x, y), corners| {
        let (width, height) = size(corners);
        // Short lines do not tell their direction.
        let weight = (width - height).max(0.0);
        (
            x + angle(corners).cos() * weight,
            y + angle(corners).sin() * weight,
        )
    });
    if x == 0.0 && y == 0.0 { 0.0 } else { y.atan2(x) }
}

/// A line as it stands in a frame of this direction. Its slant against the frame is taken out at its middle.
pub(crate) fn upright(corners: &Corners, direction: f32) -> Box {
    let (sin, cos) = (-direction).sin_cos();
    let turned = corners.map(|(x, y)| (x * cos - y * sin, x * sin + y * cos));
    let [a, b, c, d] = turned;
    let (_, height) = size(corners);
    let middle = (a.1 + b.1 + c.1 + d.1) / 4.0;
    let own = (angle(corners) - direction).abs() % PI;
    let slanted = own > PI / 4.0 && own < PI * 3.0 / 4.0;
    let half = if slanted {
        (a.1 - c.1).abs().max((b.1 - d.1).abs()) / 2.0
    } else {
        height / 2.0
    };
    let xs = [a.0, b.0, c.0, d.0];
    Box {
        left: xs.iter().copied().fold(f32::INFINITY, f32::min),
        right: xs.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        top: middle - half,
        bottom: middle + half,
    }
}

/// How well a value stands beside or below a label: 0 is best; none when it does neither.
pub(crate) fn cost(label: &Box, value: &Box) -> Option<f32> {
    match (beside(label, value), below(label, value)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn beside(label: &Box, value: &Box) -> Option<f32> {
    let height = label.height().max(value.height());
    let gap = (value.left - label.right) / height;
    // Over a long gap, a small error in the frame's direction counts.
    let slack = 0.5 + gap.max(0.0) * 0.025;
    let shift = (value.middle() - label.middle()).abs() / height;
    (gap > -0.8 && gap < 14.0 && shift < slack).then_some(gap.max(0.0) * 0.08 + shift)
}

fn below(label: &Box, value: &Box) -> Option<f32> {
    let height = label.height().max(value.height());
    let gap = (value.top - label.bottom) / height;
    let shift = (value.left - label.left).abs() / height;
    let overlap = value.left < label.right && value.right > label.left;
    (gap > -0.5 && gap < 1.6 && overlap && shift < 2.5).then_some(0.2 + gap.max(0.0) * 0.5 + shift * 0.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: f32, y: f32, width: f32, height: f32) -> Corners {
        [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    }

    fn turn(corners: Corners, by: f32) -> Corners {
        let (sin, cos) = by.sin_cos();
        corners.map(|(x, y)| (x * cos - y * sin, x * sin + y * cos))
    }

    #[test]
    fn the_frame_turns_with_the_text() {
        let [label, value, other] = [
            line(0., 0., 60., 20.),
            line(80., 0., 200., 24.),
            line(80., 60., 200., 24.),
        ];
        for by in [0.0, 0.3, 1.5, PI, -1.57] {
            let all = [label, value, other].map(|corners| turn(corners, by));
            let frame = direction(&all);
            let [label, value, other] = all.map(|corners| upright(&corners, frame));
            assert!(cost(&label, &value).unwrap() < 0.4, "{by}");
            assert!(cost(&label, &other).is_none(), "{by}");
        }
    }

    #[test]
    fn a_value_may_stand_below_its_label_and_not_above() {
        let label = upright(&line(0., 0., 100., 20.), 0.0);
        assert!(cost(&label, &upright(&line(2., 26., 200., 30.), 0.0)).is_some());
        assert!(cost(&label, &upright(&line(2., -40., 200., 30.), 0.0)).is_none());
        assert!(cost(&label, &upright(&line(400., 26., 200., 30.), 0.0)).is_none());
    }
}
