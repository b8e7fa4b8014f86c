//! Photographs on their way into a document: whatever a file claims to be, it is decoded within limits, turned upright, made
//! small and written anew. Nothing of the file itself, and none of its metadata, gets into the document.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use crate::limits;

/// JPEG quality: what a photograph on paper needs.
const QUALITY: u8 = 82;
/// The longest side that is decoded.
const MAX_SIDE: u32 = 16_384;
/// Memory for decoding: four bytes a pixel, and what the decoder needs besides.
const MAX_MEMORY: u64 = limits::PHOTO_PIXELS * 4 + 64 * 1024 * 1024;

/// The photograph as it is printed; `None` when the file is no picture that can be shown.
pub(crate) fn printable(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.is_empty() || bytes.len() > limits::PHOTO_BYTES {
        return None;
    }
    let picture = decode(bytes)?;
    let mut jpeg = Vec::new();
    flat(picture)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY))
        .ok()?;
    Some(jpeg)
}

/// A small picture, upright.
fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let format = image::guess_format(bytes).ok()?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return None;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut most = Limits::no_limits();
    most.max_image_width = Some(MAX_SIDE);
    most.max_image_height = Some(MAX_SIDE);
    most.max_alloc = Some(MAX_MEMORY);
    reader.limits(most);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > limits::PHOTO_PIXELS {
        return None;
    }
    let orientation = decoder.orientation().ok();
    // Small first: turning it makes a copy.
    let mut picture = small(DynamicImage::from_decoder(decoder).ok()?);
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Some(picture)
}

fn small(picture: DynamicImage) -> DynamicImage {
    let side = limits::PHOTO_SIDE;
    if picture.width().max(picture.height()) <= side {
        picture
    } else {
        picture.resize(side, side, FilterType::Triangle)
    }
}

/// On white paper, without transparency: JPEG has none.
#[expect(clippy::needless_pass_by_value, reason = "freed as soon as it is flat")]
fn flat(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    let mut paper = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in paper.pixels_mut().zip(rgba.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let over = |value: u16| u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    paper
}
