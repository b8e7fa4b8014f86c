//! What simulated engines must know of a picture to refuse it as vendors do: its kind and its size in pixels.

/// Width and height of a JPEG or PNG; `None` for what is neither.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    png(bytes).or_else(|| jpeg(bytes))
}

fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let number = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((number(0)?, number(4)?))
}

fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..2 + length)?;
        // Frames but for the tables that share their numbers.
        if (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker) {
            let [_, h1, h2, w1, w2, ..] = *body else {
                return None;
            };
            return Some((
                u16::from_be_bytes([w1, w2]).into(),
                u16::from_be_bytes([h1, h2]).into(),
            ));
        }
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_nothing_else_is_taken_for_a_picture() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02";
        assert_eq!(size(png), Some((640, 480)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\0";
        assert_eq!(size(jpeg), Some((640, 480)));
        for end in 0..jpeg.len() {
            let _no_panic = size(jpeg.get(..end).unwrap());
        }
        assert_eq!(size(b"GIF89a"), None);
        assert_eq!(size(b"\xff\xd8\xff\xe0\0\0"), None);
        assert_eq!(size(b""), None);
    }
}
