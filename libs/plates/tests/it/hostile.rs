//! Files that are to do harm: whatever comes in, an answer comes out, and memory stays bounded.

use image::ImageFormat;
use proptest::prelude::*;
use puente_plates::{Picture, PictureError};

use crate::files::{animated, encoded, gif_header, hostile, jpeg_header, noisy, png_header};

fn resident_most_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or_default()
        / 1024
}

#[test]
fn of_more_than_a_hundred_hostile_files_each_has_an_answer_and_memory_stays_bounded() {
    let files = hostile();
    assert!(files.len() >= 100, "{}", files.len());
    let before = resident_most_mib();
    for (name, bytes) in &files {
        if let Ok(picture) = Picture::decode(bytes) {
            assert!(picture.width() <= 4_096 && picture.height() <= 4_096, "{name}");
        }
    }
    let grown = resident_most_mib() - before;
    assert!(grown < 300, "grown by {grown} MiB");
}

#[test]
fn what_a_file_claims_is_refused_before_it_is_allocated() {
    assert_eq!(Picture::decode(&[]).err(), Some(PictureError::Empty));
    assert_eq!(
        Picture::decode(b"%PDF-1.7").err(),
        Some(PictureError::UnknownKind)
    );
    for bytes in [
        jpeg_header(10_000, 10_000, false),
        jpeg_header(9_000, 6_000, true),
        png_header(100_000, 100_000, 8, 2),
        gif_header(9_000, 6_000),
    ] {
        assert_eq!(Picture::decode(&bytes).err(), Some(PictureError::TooManyPixels));
    }
    assert_eq!(
        Picture::decode(&encoded(&noisy(400, 8), ImageFormat::Png)).err(),
        Some(PictureError::TooSmall)
    );
}

#[test]
fn of_an_animation_the_first_frame_is_taken() {
    let picture = Picture::decode(&animated(300)).unwrap();
    assert_eq!((picture.width(), picture.height()), (40, 30));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_behind_any_beginning_have_an_answer(which in 0_usize..4, cut in 0_usize..4_000, places in proptest::collection::vec((0_usize..4_000, any::<u8>()), 0..12)) {
        let mut bytes = match which {
            0 => encoded(&noisy(40, 30), ImageFormat::Jpeg),
            1 => encoded(&noisy(40, 30), ImageFormat::Png),
            2 => encoded(&noisy(40, 30), ImageFormat::WebP),
            _ => animated(2),
        };
        for (place, byte) in places {
            if let Some(own) = bytes.get_mut(place) {
                *own = byte;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 40));
        let _ = Picture::decode(&bytes);
    }
}
