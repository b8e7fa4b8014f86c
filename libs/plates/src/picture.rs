//! A photograph, decoded: whatever comes in, memory and time stay bounded.
//!
//! What a file claims about itself is compared with the limits before anything is allocated for it. Only what phones and
//! browsers send is decoded: JPEG, PNG, WebP, and the first frame of a GIF.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, imageops};

/// The most pixels of a photograph: what telephones take, but for their widest modes. As a plain JPEG it is decoded row by row
/// into three bytes for each.
const MAX_PIXELS: u64 = 50_000_000;
/// The most pixels of any other picture: their decoders keep two and more copies while they work.
const MAX_OTHER_PIXELS: u64 = 20_000_000;
/// The most bytes of the decoded form, and what a decoder may take besides.
const MAX_BYTES: u64 = 170_000_000;
/// The longest side of one.
const MAX_SIDE: u32 = 16_384;
/// Narrower than this, no line of text can be read in it.
const MIN_SIDE: u32 = 24;
/// What is kept: a plate is read at less, and a line of text is cut out of this.
const KEPT_SIDE: u32 = 3_072;
/// The least quality that a picture is sent to a provider with.
const LEAST_QUALITY: u8 = 40;

/// A photograph, decoded and upright.
#[derive(Clone)]
pub struct Picture {
    pixels: RgbImage,
}

/// Why a picture is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PictureError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Not a kind of picture that is read.
    #[error("the file is not a JPEG, PNG, WebP or GIF picture")]
    UnknownKind,
    /// More pixels than are decoded, or more bytes than were allowed.
    #[error("the picture is too large")]
    TooManyPixels,
    /// Too few pixels for a line of text.
    #[error("the picture is too small")]
    TooSmall,
    /// It cannot be decoded.
    #[error("the picture is damaged")]
    Damaged,
}

impl PictureError {
    /// Its name, as it is stored and sent: `too_many_pixels`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::UnknownKind => "unknown_kind",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooSmall => "too_small",
            Self::Damaged => "damaged",
        }
    }
}

impl Picture {
    /// Decodes a picture. Blocking: up to a second for a large one.
    ///
    /// # Errors
    /// [`PictureError`]
    pub fn decode(bytes: &[u8]) -> Result<Self, PictureError> {
        if bytes.is_empty() {
            return Err(PictureError::Empty);
        }
        // The decoders hold no promise to us; a fault in one of them is a damaged picture, and not the end of a thread.
        std::panic::catch_unwind(|| Self::decode_kind(bytes)).unwrap_or(Err(PictureError::Damaged))
    }

    fn decode_kind(bytes: &[u8]) -> Result<Self, PictureError> {
        let kind = image::guess_format(bytes).map_err(|_| PictureError::UnknownKind)?;
        if !matches!(
            kind,
            ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif
        ) {
            return Err(PictureError::UnknownKind);
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
        reader.limits(limits());
        let mut decoder = reader.into_decoder().map_err(refusal)?;
        let (width, height) = decoder.dimensions();
        let plain = kind == ImageFormat::Jpeg && !is_progressive(bytes);
        check(width, height, decoder.total_bytes(), plain)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let decoded = DynamicImage::from_decoder(decoder).map_err(refusal)?;
        Ok(Self::keep(decoded, orientation))
    }

    fn keep(decoded: DynamicImage, orientation: Orientation) -> Self {
        let (width, height) = (decoded.width(), decoded.height());
        let longer = width.max(height);
        let mut smaller = if longer > KEPT_SIDE {
            decoded.thumbnail(KEPT_SIDE, KEPT_SIDE)
        } else {
            decoded
        };
        smaller.apply_orientation(orientation);
        Self {
            pixels: flatten(smaller),
        }
    }

    /// Its width in pixels, as it is kept.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Its height in pixels, as it is kept.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// For engines of providers: as JPEG without metadata, its longer side at most `max_side`, at most `max_bytes`.
    ///
    /// # Errors
    /// [`PictureError::TooManyPixels`] when no quality that can still be read is small enough.
    pub fn jpeg(&self, max_side: u32, max_bytes: usize) -> Result<Vec<u8>, PictureError> {
        let smaller;
        let pixels = if self.width().max(self.height()) > max_side.max(1) {
            let (width, height) = fitted(self.width(), self.height(), max_side.max(1));
            smaller = imageops::thumbnail(&self.pixels, width, height);
            &smaller
        } else {
            &self.pixels
        };
        let mut quality = 90;
        while quality >= LEAST_QUALITY {
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, quality)
                .encode_image(pixels)
                .map_err(|_| PictureError::Damaged)?;
            if bytes.len() <= max_bytes {
                return Ok(bytes);
            }
            quality -= 10;
        }
        Err(PictureError::TooManyPixels)
    }

    /// The pixels.
    pub(crate) fn pixels(&self) -> &RgbImage {
        &self.pixels
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

fn check(width: u32, height: u32, bytes: u64, plain: bool) -> Result<(), PictureError> {
    let most = if plain { MAX_PIXELS } else { MAX_OTHER_PIXELS };
    if u64::from(width) * u64::from(height) > most || bytes > MAX_BYTES {
        return Err(PictureError::TooManyPixels);
    }
    if width.min(height) < MIN_SIDE {
        return Err(PictureError::TooSmall);
    }
    Ok(())
}

/// Whether a JPEG is stored in several passes over the picture, all of which a decoder must keep. What cannot be told is.
fn is_progressive(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        match rest {
            [0xFF, 0xFF, ..] => rest = rest.get(1..).unwrap_or_default(),
            [0xFF, 0xC0 | 0xC1, ..] => return false,
            [0xFF, _, high, low, ..] => {
                let length = usize::from(*high) << 8 | usize::from(*low);
                rest = rest.get(2 + length.max(2)..).unwrap_or_default();
            }
            _ => return true,
        }
    }
}

fn refusal(error: image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooManyPixels,
        image::ImageError::Unsupported(_) => PictureError::UnknownKind,
        _ => PictureError::Damaged,
    }
}

/// On white where it was transparent: a plate cut out of its background stays legible.
fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u16::from);
        image::Rgb([r, g, b].map(|c| u8::try_from((c * a + 255 * (255 - a)) / 255).unwrap_or(u8::MAX)))
    })
}

fn fitted(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height));
    let fit = |own: u32| u32::try_from((u64::from(own) * u64::from(side) / longer).max(1)).unwrap_or(1);
    (fit(width), fit(height))
}
