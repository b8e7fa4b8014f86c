//! Where lines of text are.
//!
//! The model says of every pixel of a small copy how likely it belongs to the middle of a line of text. Connected ones become
//! rectangles, which are widened to the whole line.

use image::{RgbImage, imageops};
use rten::{Model, RunError, RunOptions};
use rten_imageproc::{BoundingRect, PointF, RetrievalMode, RotatedRect, find_contours, min_area_rect};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use crate::geometry::{Corners, distance};

/// The model's input: blue, green, red; as it was trained.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const SPREAD: [f32; 3] = [0.229, 0.224, 0.225];
/// A pixel is text from here.
const TEXT: f32 = 0.3;
/// A line is one from this mean of its pixels.
const LINE: f32 = 0.5;
/// How much of the middle of a line the model marks.
const WIDEN: f32 = 1.6;
/// Sides of the model's input are multiples of this.
const STEP: u32 = 32;
/// The most lines of a picture: more is a page, no plate.
const MAX_LINES: usize = 64;
/// A line lower than this, in pixels of the small copy, cannot be read.
const LEAST_HEIGHT: f32 = 4.0;

/// A line of text in a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    /// Along the longer side first; which end is the beginning is not known yet.
    pub(crate) corners: Corners,
}

/// Finds the lines, with a copy of the picture whose shorter side is `side`.
pub(crate) fn detect(
    model: &Model,
    picture: &RgbImage,
    side: u32,
    options: &RunOptions,
) -> Result<Vec<Region>, RunError> {
    let (width, height) = small_size(picture.width(), picture.height(), side);
    let small = imageops::thumbnail(picture, width, height);
    let input = input(&small);
    let output = model.run_one(input.view().into(), Some(options.clone()))?;
    let Ok(([_, _, rows, columns], map)) = output.into_shape_vec::<f32, 4>() else {
        return Ok(Vec::new());
    };
    let scale = (
        picture.width() as f32 / columns as f32,
        picture.height() as f32 / rows as f32,
    );
    Ok(regions(&map, rows, columns)
        .into_iter()
        .map(|corners| Region {
            corners: corners.map(|(x, y)| (x * scale.0, y * scale.1)),
        })
        .collect())
}

fn small_size(width: u32, height: u32, side: u32) -> (u32, u32) {
    let (w, h) = (f64::from(width), f64::from(height));
    let longest = f64::from(side) * 2.0;
    let scale = (f64::from(side) / w.min(h)).min(longest / w.max(h));
    let fit = |own: f64| ((own * scale / f64::from(STEP)).round() as u32).max(1) * STEP;
    (fit(w), fit(h))
}

fn input(picture: &RgbImage) -> NdTensor<f32, 4> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut data = Vec::with_capacity(3 * width * height);
    // The mean and spread are those of blue, green, red.
    for (channel, (mean, spread)) in [2, 1, 0].into_iter().zip(MEAN.into_iter().zip(SPREAD)) {
        let channel = picture.as_raw().iter().skip(channel).step_by(3);
        data.extend(channel.map(|value| (f32::from(*value) / 255.0 - mean) / spread));
    }
    NdTensor::from_data([1, 3, height, width], data)
}

fn regions(map: &[f32], rows: usize, columns: usize) -> Vec<Corners> {
    let at = |y: usize, x: usize| map.get(y * columns + x).copied().unwrap_or_default();
    // Each pixel of text takes its right and lower neighbours along, so that thin bridges hold.
    let mask = NdTensor::from_fn([rows, columns], |[y, x]| {
        let (up, left) = (y.saturating_sub(1), x.saturating_sub(1));
        at(y, x) > TEXT || at(up, x) > TEXT || at(y, left) > TEXT || at(up, left) > TEXT
    });
    let mut found: Vec<(f32, Corners)> = Vec::new();
    for contour in find_contours(mask.view(), RetrievalMode::External).iter() {
        let points: Vec<PointF> = contour.iter().map(|p| p.to_f32()).collect();
        let Some(rectangle) = min_area_rect(&points) else {
            continue;
        };
        let (width, height) = (rectangle.width(), rectangle.height());
        if width.min(height) < LEAST_HEIGHT / 2.0 || mean_inside(&rectangle, &at, rows, columns) < LINE {
            continue;
        }
        let more = 2.0 * width * height * WIDEN / (2.0 * (width + height));
        let wide = rectangle.expanded(more, more);
        if wide.width().min(wide.height()) < LEAST_HEIGHT {
            continue;
        }
        found.push((width * height, along(&wide)));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(MAX_LINES);
    found.into_iter().map(|(_, corners)| corners).collect()
}

/// The mean of the map inside a rectangle.
fn mean_inside(
    rectangle: &RotatedRect,
    at: &impl Fn(usize, usize) -> f32,
    rows: usize,
    columns: usize,
) -> f32 {
    let bounds = rectangle.bounding_rect();
    let clamp = |value: f32, most: usize| (value.max(0.0) as usize).min(most.saturating_sub(1));
    let (mut sum, mut count) = (0.0, 0.0);
    for y in clamp(bounds.top(), rows)..=clamp(bounds.bottom(), rows) {
        for x in clamp(bounds.left(), columns)..=clamp(bounds.right(), columns) {
            if rectangle.contains(PointF::from_yx(y as f32, x as f32)) {
                sum += at(y, x);
                count += 1.0;
            }
        }
    }
    if count == 0.0 { 0.0 } else { sum / count }
}

/// Its corners, clockwise, beginning so that the first side is a longer one, which runs to the right or down.
fn along(rectangle: &RotatedRect) -> Corners {
    let [a, b, c, d] = rectangle.corners().map(|p| (p.x, p.y));
    // Clockwise on a screen, where y runs down.
    let turn = (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0);
    let [a, b, c, d] = if turn > 0.0 { [a, b, c, d] } else { [a, d, c, b] };
    let [a, b, c, d] = if distance(a, b) >= distance(b, c) {
        [a, b, c, d]
    } else {
        [b, c, d, a]
    };
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let forward = if dx.abs() >= dy.abs() { dx > 0.0 } else { dy > 0.0 };
    if forward { [a, b, c, d] } else { [c, d, a, b] }
}
