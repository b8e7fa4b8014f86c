//! Files that are to do harm, by what each is. The tests of the service that takes photographs read this file as well.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbImage};

/// A picture without any order, the same each time.
pub(crate) fn noisy(width: u32, height: u32) -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        image::Rgb([a, b, c])
    })
}

pub(crate) fn encoded(picture: &RgbImage, kind: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut bytes, kind)
        .unwrap();
    bytes.into_inner()
}

pub(crate) fn animated(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    let frame = DynamicImage::from(noisy(40, 30)).to_rgba8();
    encoder
        .encode_frames((0..frames).map(|_| Frame::new(frame.clone())))
        .unwrap();
    drop(encoder);
    bytes
}

/// A PNG of this size as its header says, with nothing behind it.
pub(crate) fn png_header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([depth, colour, 0, 0, 0]);
    let sum = crc(&bytes[12..]);
    bytes.extend(sum.to_be_bytes());
    bytes.extend(b"\0\0\0\x0aIDAT\x78\x9c\x63\0\0\0\x01\0\x01");
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0xEDB8_8320
            } else {
                sum >> 1
            }
        })
    })
}

/// A JPEG whose header claims another size, in one pass or in several.
pub(crate) fn jpeg_header(width: u16, height: u16, progressive: bool) -> Vec<u8> {
    let mut bytes = encoded(&noisy(64, 64), ImageFormat::Jpeg);
    let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    if progressive {
        bytes[at + 1] = 0xC2;
    }
    bytes
}

pub(crate) fn gif_header(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = animated(2);
    bytes[6..8].copy_from_slice(&width.to_le_bytes());
    bytes[8..10].copy_from_slice(&height.to_le_bytes());
    bytes
}

/// A WebP container that claims this size and an animation.
fn webp_header(width: u32, height: u32, flags: u8) -> Vec<u8> {
    let mut bytes = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    bytes.extend([flags, 0, 0, 0]);
    bytes.extend(&(width - 1).to_le_bytes()[..3]);
    bytes.extend(&(height - 1).to_le_bytes()[..3]);
    bytes.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    bytes
}

/// The table, by what each is.
pub(crate) fn hostile() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("one byte".into(), vec![0xFF]),
        (
            "a PDF".into(),
            b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF".to_vec(),
        ),
        ("a ZIP".into(), b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
        (
            "a page".into(),
            b"<!doctype html><html><script>alert(1)</script></html>".to_vec(),
        ),
        (
            "a drawing".into(),
            b"<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1e9'/>".to_vec(),
        ),
        (
            "an iPhone's own format".into(),
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
        ),
        ("a film".into(), b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec()),
        (
            "a bitmap of 2 GiB".into(),
            b"BM\0\0\0\x7f\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\0\0\xff\xff\0\0".to_vec(),
        ),
        ("a TIFF".into(), b"II\x2a\0\x08\0\0\0\xff\xff".to_vec()),
        ("an icon".into(), b"\0\0\x01\0\xff\xff".to_vec()),
        ("only the beginning of a JPEG".into(), vec![0xFF, 0xD8, 0xFF]),
        (
            "a JPEG of empty segments".into(),
            [&[0xFF, 0xD8][..], &[0xFF, 0xE1, 0, 2].repeat(50_000)].concat(),
        ),
        (
            "a JPEG of markers".into(),
            [&[0xFF, 0xD8][..], &[0xFF; 100_000]].concat(),
        ),
        (
            "a line of pixels".into(),
            encoded(&noisy(4_000, 1), ImageFormat::Png),
        ),
        ("one pixel".into(), encoded(&noisy(1, 1), ImageFormat::Png)),
        ("300 frames".into(), animated(300)),
    ];
    for (width, height) in [
        (65_535, 65_535),
        (10_000, 10_000),
        (65_535, 1),
        (1, 65_535),
        (0, 0),
        (16_384, 16_384),
        (9_000, 6_000),
    ] {
        files.push((
            format!("a JPEG of {width} × {height}"),
            jpeg_header(width, height, false),
        ));
        files.push((
            format!("a progressive JPEG of {width} × {height}"),
            jpeg_header(width, height, true),
        ));
        files.push((format!("a GIF of {width} × {height}"), gif_header(width, height)));
    }
    for (width, height) in [
        (u32::MAX, u32::MAX),
        (i32::MAX as u32, 1),
        (100_000, 100_000),
        (16_000, 16_000),
        (10_000, 10_000),
        (0, 5),
    ] {
        for (depth, colour) in [(8, 2), (16, 6), (1, 0)] {
            files.push((
                format!("a PNG of {width} × {height}, {depth} bits"),
                png_header(width, height, depth, colour),
            ));
        }
    }
    for (width, height) in [(16_384, 16_384), (1 << 24, 1 << 24), (30, 30)] {
        for flags in [0, 0x02, 0x12, 0xFF] {
            files.push((
                format!("a WebP of {width} × {height}, {flags:#x}"),
                webp_header(width, height, flags),
            ));
        }
    }
    let whole = [
        ("JPEG", encoded(&noisy(160, 120), ImageFormat::Jpeg)),
        ("PNG", encoded(&noisy(160, 120), ImageFormat::Png)),
        ("WebP", encoded(&noisy(160, 120), ImageFormat::WebP)),
        ("GIF", animated(3)),
    ];
    for (kind, bytes) in &whole {
        for part in 1..24 {
            let end = bytes.len() * part / 24;
            files.push((format!("{kind}, cut off at {end}"), bytes[..end].to_vec()));
            let mut wrong = bytes.clone();
            wrong
                .iter_mut()
                .skip(end)
                .step_by(97)
                .for_each(|byte| *byte ^= 0x5A);
            files.push((format!("{kind}, changed from {end} on"), wrong));
        }
    }
    for (magic, name) in [
        (&b"\xFF\xD8\xFF\xE0"[..], "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF89a", "GIF"),
        (b"RIFF\0\xff\0\0WEBP", "WebP"),
    ] {
        files.push((
            format!("chance behind the first bytes of a {name}"),
            [magic, noisy(60, 60).as_raw()].concat(),
        ));
    }
    files
}
