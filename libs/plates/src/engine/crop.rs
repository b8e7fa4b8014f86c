//! A line of text, cut out of the picture and straightened.

use image::RgbImage;

use crate::geometry::{Corners, Perspective, size};

/// What the recogniser was trained with.
pub(crate) const HEIGHT: usize = 48;
/// The widest line: more is no line of a plate.
const MAX_WIDTH: usize = 1_600;

/// A line: rows of pixels, each red, green, blue, 0 to 255.
#[derive(Debug, Clone)]
pub(crate) struct Crop {
    pub(crate) width: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

impl Crop {
    /// Cuts a quadrilateral out.
    pub(crate) fn of(picture: &RgbImage, corners: &Corners) -> Self {
        let (width, height) = size(corners);
        let scale = HEIGHT as f32 / height.max(1.0);
        let columns = ((width * scale).round() as usize).clamp(HEIGHT / 3, MAX_WIDTH);
        let way = Perspective::of(columns as f32, HEIGHT as f32, corners);
        // Smaller than in the picture: several samples for each pixel, so that no stroke falls between.
        let samples = ((1.0 / scale).ceil() as usize).clamp(1, 6);
        let part = 1.0 / samples as f32;
        let share = part * part;
        let mut pixels = Vec::with_capacity(columns * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..columns {
                let mut sum = [0.0; 3];
                for j in 0..samples {
                    for i in 0..samples {
                        let (u, v) = way.at(
                            x as f32 + (i as f32 + 0.5) * part,
                            y as f32 + (j as f32 + 0.5) * part,
                        );
                        let found = sample(picture, u - 0.5, v - 0.5);
                        for (sum, found) in sum.iter_mut().zip(found) {
                            *sum += found * share;
                        }
                    }
                }
                pixels.push(sum);
            }
        }
        Self {
            width: columns,
            pixels,
        }
    }
}

/// The colour between four pixels; outside, that of the nearest.
pub(crate) fn sample(picture: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (right, bottom) = ((picture.width() - 1) as f32, (picture.height() - 1) as f32);
    let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let (x0, y0) = (left as u32, top as u32);
    let (x1, y1) = (
        (x0 + 1).min(picture.width() - 1),
        (y0 + 1).min(picture.height() - 1),
    );
    let [a, b, c, d] = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| picture.get_pixel(x, y).0);
    let mut colour = [0.0; 3];
    for (channel, (((a, b), c), d)) in colour.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
        let upper = f32::from(*a) * (1.0 - fx) + f32::from(b) * fx;
        let lower = f32::from(c) * (1.0 - fx) + f32::from(d) * fx;
        *channel = upper * (1.0 - fy) + lower * fy;
    }
    colour
}
