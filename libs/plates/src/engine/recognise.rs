//! What a line of text says.

use rten::{RunError, RunOptions};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::crop::{Crop, HEIGHT};
use super::ctc::Emission;
use crate::models::{Recogniser, WIDTH};

/// Widths are rounded up to this, so that few shapes occur and lines can go together.
const STEP: usize = 32;
/// The narrowest input: what the model was trained with is no narrower.
const LEAST_WIDTH: usize = 96;

/// Reads one line.
pub(crate) fn recognise(by: &Recogniser, crop: &Crop, options: &RunOptions) -> Result<Emission, RunError> {
    let width = crop.width.next_multiple_of(STEP).max(LEAST_WIDTH);
    let input = input(crop, width);
    let id = by.model.input_ids().first().copied();
    let Some(id) = id else {
        return Ok(Emission::default());
    };
    let [features] = by.model.run_n(
        vec![(id, input.view().into())],
        [by.features],
        Some(options.clone()),
    )?;
    let Ok(([_, _, steps], features)) = features.into_shape_vec::<f32, 3>() else {
        return Ok(Emission::default());
    };
    // As the picture is padded, so many steps belong to the line, and one more to the edge.
    let used = ((crop.width * steps).div_ceil(width) + 1).min(steps);
    let mut rows = Vec::with_capacity(used);
    for step in 0..used {
        let mut own = [0.0; WIDTH];
        for (own, row) in own.iter_mut().zip(features.chunks_exact(steps)) {
            *own = row.get(step).copied().unwrap_or_default();
        }
        let mut row: Vec<f32> = by
            .head
            .weights
            .iter()
            .zip(&by.head.biases)
            .map(|(weights, bias)| weights.iter().zip(&own).map(|(w, f)| w * f).sum::<f32>() + bias)
            .collect();
        log_softmax(&mut row);
        rows.push(row);
    }
    Ok(Emission {
        rows,
        scale: width as f32 / steps.max(1) as f32 / crop.width.max(1) as f32,
    })
}

fn log_softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = row.iter().map(|value| (value - most).exp()).sum();
    let whole = most + sum.ln();
    row.iter_mut().for_each(|value| *value -= whole);
}

fn input(crop: &Crop, width: usize) -> NdTensor<f32, 4> {
    let mut data = vec![0.0; 3 * HEIGHT * width];
    for (channel, plane) in [2, 1, 0].into_iter().zip(data.chunks_exact_mut(HEIGHT * width)) {
        for (to, from) in plane
            .chunks_exact_mut(width)
            .zip(crop.pixels.chunks_exact(crop.width))
        {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from.get(channel).copied().unwrap_or_default() / 127.5 - 1.0;
            }
        }
    }
    NdTensor::from_data([1, 3, HEIGHT, width], data)
}
