//! Points, quadrilaterals, and the way from one to the other.

/// A point in pixels.
pub(crate) type Point = (f32, f32);
/// Four corners, clockwise from the top left of the text.
pub(crate) type Corners = [Point; 4];

pub(crate) fn distance(a: Point, b: Point) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

pub(crate) fn centre(corners: &Corners) -> Point {
    let (x, y) = corners
        .iter()
        .fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    (x / 4.0, y / 4.0)
}

/// Width and height of what stands between the corners, in the text's own direction.
pub(crate) fn size(corners: &Corners) -> (f32, f32) {
    let [a, b, c, d] = *corners;
    (
        (distance(a, b) + distance(d, c)) / 2.0,
        (distance(a, d) + distance(b, c)) / 2.0,
    )
}

/// The direction in which the text runs, in radians.
pub(crate) fn angle(corners: &Corners) -> f32 {
    let [a, b, c, d] = *corners;
    (b.1 - a.1 + c.1 - d.1).atan2(b.0 - a.0 + c.0 - d.0)
}

/// Carries points of a rectangle to where they are in a picture: a perspective.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Perspective([f32; 8]);

impl Perspective {
    /// From the rectangle (0, 0)–(width, height) to the corners.
    pub(crate) fn of(width: f32, height: f32, corners: &Corners) -> Self {
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = *corners;
        let (sx, sy) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
        let (dx1, dy1, dx2, dy2) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
        let whole = dx1 * dy2 - dx2 * dy1;
        let (g, h) = if whole.abs() < f32::EPSILON {
            (0.0, 0.0)
        } else {
            ((sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole)
        };
        Self([
            (x1 - x0 + g * x1) / width,
            (x3 - x0 + h * x3) / height,
            x0,
            (y1 - y0 + g * y1) / width,
            (y3 - y0 + h * y3) / height,
            y0,
            g / width,
            h / height,
        ])
    }

    /// The way back.
    pub(crate) fn back(&self) -> Self {
        let [a, b, c, d, e, f, g, h] = self.0;
        let whole = a * e - b * d;
        let whole = if whole.abs() < f32::EPSILON {
            f32::EPSILON
        } else {
            whole
        };
        Self(
            [
                e - f * h,
                c * h - b,
                b * f - c * e,
                f * g - d,
                a - c * g,
                c * d - a * f,
                d * h - e * g,
                b * g - a * h,
            ]
            .map(|own| own / whole),
        )
    }

    pub(crate) fn at(&self, x: f32, y: f32) -> Point {
        let [a, b, c, d, e, f, g, h] = self.0;
        let w = g * x + h * y + 1.0;
        ((a * x + b * y + c) / w, (d * x + e * y + f) / w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_there_is_carried_back() {
        let way = Perspective::of(
            300.0,
            100.0,
            &[(20.0, 30.0), (280.0, 60.0), (270.0, 170.0), (35.0, 120.0)],
        );
        for point in [(0.0, 0.0), (300.0, 100.0), (120.0, 33.0)] {
            let there = way.at(point.0, point.1);
            let back = way.back().at(there.0, there.1);
            assert!(distance(point, back) < 0.05, "{point:?} {back:?}");
        }
    }
}
