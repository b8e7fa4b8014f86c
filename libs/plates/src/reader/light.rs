//! The picture with its light evened, in several smoothings.

use image::{RgbImage, imageops};

use crate::Picture;
use crate::engine::enhance::{GAIN, evened};

/// The longer side of the copy whose light is evened.
const EVENED_SIDE: u32 = 1_600;

/// A copy of the picture with its light evened.
pub(super) struct Evened {
    pub(super) sharp: RgbImage,
    pub(super) soft: RgbImage,
    pub(super) softest: RgbImage,
    /// How many of its pixels one of the picture is.
    pub(super) scale: f32,
}

impl Evened {
    pub(super) fn of(picture: &Picture) -> Self {
        let longer = picture.width().max(picture.height());
        let small;
        let (pixels, scale) = if longer > EVENED_SIDE {
            let scale = EVENED_SIDE as f32 / longer as f32;
            let side = |own: u32| ((own as f32 * scale) as u32).max(1);
            small = imageops::thumbnail(picture.pixels(), side(picture.width()), side(picture.height()));
            (&small, scale)
        } else {
            (picture.pixels(), 1.0)
        };
        let [sharp, soft, softest] = evened(pixels, [1, 2, 5], GAIN);
        Self {
            sharp,
            soft,
            softest,
            scale,
        }
    }
}
