//! A second look at a picture, or a line, that was hard to read.

use image::{Rgb, RgbImage};

use super::crop::{Crop, HEIGHT};

/// How far around a pixel its light is compared, as a share of the shorter side.
const AROUND: f32 = 0.06;
/// How much stronger differences become, where grain is still among them.
pub(crate) const GAIN: f32 = 4.0;
/// The grey of what is no different from its surroundings.
const GROUND: f32 = 150.0;

/// The picture in grey, once for each count of smoothings, which grow: its grain smoothed so many times, light and shadow taken
/// out, faint differences drawn stronger. Worn print, embossing and what lies in the dark or beside a reflection come out.
pub(crate) fn evened<const N: usize>(picture: &RgbImage, smoothings: [usize; N], gain: f32) -> [RgbImage; N] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut grey: Vec<f32> = picture
        .pixels()
        .map(|Rgb([r, g, b])| 0.3 * f32::from(*r) + 0.59 * f32::from(*g) + 0.11 * f32::from(*b))
        .collect();
    let radius = ((width.min(height) as f32 * AROUND) as usize).max(4);
    let light = mean(&mean(&grey, width, radius), width, radius);
    let mut done = 0;
    smoothings.map(|count| {
        while done < count {
            grey = mean(&grey, width, 1);
            done += 1;
        }
        let mut even = RgbImage::new(picture.width(), picture.height());
        for (pixel, (value, light)) in even.pixels_mut().zip(grey.iter().zip(&light)) {
            let value = GROUND + (value - light) * gain;
            *pixel = Rgb([value.clamp(0.0, 255.0) as u8; 3]);
        }
        even
    })
}

/// The mean of the square around each value, in two passes of a sliding window.
pub(crate) fn mean(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let across = rows_mean(values, width, radius);
    let height = values.len() / width.max(1);
    let turned = transposed(&across, width);
    let both = rows_mean(&turned, height, radius);
    transposed(&both, height)
}

fn rows_mean(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(values.len());
    let mut sums: Vec<f64> = Vec::with_capacity(width + 1);
    for row in values.chunks_exact(width.max(1)) {
        sums.clear();
        sums.push(0.0);
        let mut sum = 0.0;
        for value in row {
            sum += f64::from(*value);
            sums.push(sum);
        }
        for at in 0..width {
            let (from, to) = (at.saturating_sub(radius), (at + radius + 1).min(width));
            let whole =
                sums.get(to).copied().unwrap_or_default() - sums.get(from).copied().unwrap_or_default();
            all.push((whole / (to - from) as f64) as f32);
        }
    }
    all
}

fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for column in 0..width {
        turned.extend(values.iter().skip(column).step_by(width.max(1)));
    }
    turned
}

/// A line in grey, its darkest and brightest parts drawn to black and white.
pub(crate) fn stretched(crop: &Crop) -> Crop {
    let grey = grey(crop);
    let mut sorted = grey.clone();
    sorted.sort_by(f32::total_cmp);
    let share = |share: f32| {
        sorted
            .get((sorted.len() as f32 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    let (low, high) = (share(0.02), share(0.98));
    let by = 255.0 / (high - low).max(12.0);
    of_grey(
        crop.width,
        grey.into_iter()
            .map(|value| ((value - low) * by).clamp(0.0, 255.0)),
    )
}

/// A line with its grain smoothed.
pub(crate) fn smoothed(crop: &Crop) -> Crop {
    let soft = mean(&grey(crop), crop.width, 1);
    of_grey(crop.width, soft.into_iter())
}

fn grey(crop: &Crop) -> Vec<f32> {
    crop.pixels
        .iter()
        .map(|[r, g, b]| 0.3 * r + 0.59 * g + 0.11 * b)
        .collect()
}

fn of_grey(width: usize, values: impl Iterator<Item = f32>) -> Crop {
    Crop {
        width,
        pixels: values.map(|value| [value; 3]).take(width * HEIGHT).collect(),
    }
}
