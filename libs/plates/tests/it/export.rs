//! Pictures for engines of providers.

use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};
use puente_plates::{Picture, PictureError};

use crate::files::{encoded, noisy};

/// A JPEG whose metadata say: turn it a quarter to the right.
fn turned_by_metadata(picture: &RgbImage) -> Vec<u8> {
    let jpeg = encoded(picture, ImageFormat::Jpeg);
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
    bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn a_photograph_taken_sideways_is_put_upright() {
    let picture = Picture::decode(&turned_by_metadata(&noisy(120, 80))).unwrap();
    assert_eq!((picture.width(), picture.height()), (80, 120));
}

#[test]
fn what_is_sent_to_a_provider_fits_and_has_no_metadata() {
    let picture = Picture::decode(&turned_by_metadata(&noisy(900, 600))).unwrap();
    let bytes = picture.jpeg(300, 40_000).unwrap();
    assert!(bytes.len() <= 40_000);
    let sent: DynamicImage = image::load_from_memory(&bytes).unwrap();
    assert_eq!(sent.dimensions(), (200, 300));
    assert!(!bytes.windows(4).any(|part| part == b"Exif"));
    assert_eq!(picture.jpeg(300, 100), Err(PictureError::TooManyPixels));
}

#[test]
fn what_was_transparent_becomes_white() {
    let clear = DynamicImage::new_rgba8(64, 64);
    let mut bytes = std::io::Cursor::new(Vec::new());
    clear.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let picture = Picture::decode(bytes.get_ref()).unwrap();
    let sent = image::load_from_memory(&picture.jpeg(64, 10_000).unwrap()).unwrap();
    assert!(sent.to_luma8().pixels().all(|pixel| pixel.0[0] > 250));
}

#[test]
fn a_large_photograph_is_kept_smaller() {
    let bytes = encoded(&RgbImage::new(6_400, 4_800), ImageFormat::Jpeg);
    let picture = Picture::decode(&bytes).unwrap();
    assert!(picture.width() <= 4_000 && picture.height() <= 3_000 && picture.width() > 2_000);
}
