//! What a file is, told from its bytes. Names, endings and `Content-Type` are claims of whoever sends it, and not read.

use crate::MediaType;

/// How far from its end a PDF's end mark may stand: readers look through the last kilobyte.
const PDF_TAIL: usize = 1024;
/// The shortest PDF that has an object, a cross-reference and a trailer is longer.
const PDF_LEAST: usize = 64;

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing was sent.
    #[error("the file is empty")]
    Empty,
    /// Longer than allowed.
    #[error("the file has {bytes} bytes; {max_bytes} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most.
        max_bytes: usize,
    },
    /// Nothing that is known.
    #[error("the file is of no known kind")]
    Unknown,
    /// Known, but not wanted here.
    #[error("the file is {found}, which is not allowed here")]
    NotAllowed {
        /// What it is.
        found: MediaType,
    },
    /// It begins like a PDF, and is none, or not whole.
    #[error("the PDF is damaged or not whole")]
    DamagedPdf,
}

/// The kind of file, by its first bytes.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<MediaType> {
    match infer::get(bytes)?.mime_type() {
        "image/heif" => Some(MediaType::Heic),
        mime => mime.parse().ok(),
    }
}

/// The kind of a file that may be kept.
///
/// # Errors
/// When it is empty, too large, unknown, not allowed, or a PDF that is not whole.
pub fn check(bytes: &[u8], allowed: &[MediaType], max_bytes: usize) -> Result<MediaType, ContentError> {
    if bytes.is_empty() {
        return Err(ContentError::Empty);
    }
    if bytes.len() > max_bytes {
        let bytes = bytes.len();
        return Err(ContentError::TooLarge { bytes, max_bytes });
    }
    let found = sniff(bytes).ok_or(ContentError::Unknown)?;
    if !allowed.contains(&found) {
        return Err(ContentError::NotAllowed { found });
    }
    if found == MediaType::Pdf && !is_whole_pdf(bytes) {
        return Err(ContentError::DamagedPdf);
    }
    Ok(found)
}

/// A PDF says its version, has objects, and ends with the place of its cross-reference and an end mark. An upload that
/// was cut off lacks the end.
fn is_whole_pdf(bytes: &[u8]) -> bool {
    let has = |part: &[u8], word: &[u8]| part.windows(word.len()).any(|at| at == word);
    let tail = bytes
        .last_chunk::<PDF_TAIL>()
        .map_or(bytes, |tail| tail.as_slice());
    let version = bytes.get(5..8).is_some_and(|version| {
        matches!(version, [major, b'.', minor] if matches!(major, b'1' | b'2') && minor.is_ascii_digit())
    });
    bytes.len() >= PDF_LEAST
        && version
        && has(tail, b"%%EOF")
        && has(tail, b"startxref")
        && has(bytes, b" obj")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n45\n%%EOF\n";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
    const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta";
    const TIFF: &[u8] = b"II\x2a\0\x08\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn a_kind_is_told_by_content() {
        for (bytes, kind) in [
            (PDF, MediaType::Pdf),
            (JPEG, MediaType::Jpeg),
            (PNG, MediaType::Png),
            (WEBP, MediaType::Webp),
            (HEIC, MediaType::Heic),
            (TIFF, MediaType::Tiff),
        ] {
            assert_eq!(sniff(bytes), Some(kind));
            assert_eq!(check(bytes, &MediaType::ALL, 1000), Ok(kind));
        }
    }

    #[test]
    fn what_is_no_document_is_refused_whatever_it_is_called() {
        for bytes in [
            b"MZ\x90\0\x03\0\0\0".as_slice(),
            b"\x7fELF\x02\x01\x01\0",
            b"PK\x03\x04\x14\0\0\0",
            b"<html><script>alert(1)</script></html>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"GIF89a\x01\0\x01\0",
            b"#!/bin/sh\n",
            b"contrato.pdf",
            b"\0",
        ] {
            assert_eq!(check(bytes, &MediaType::ALL, 1000), Err(ContentError::Unknown));
        }
    }

    proptest::proptest! {
        /// Uploads are whatever anybody sends.
        #[test]
        fn no_bytes_do_harm(
            start in proptest::sample::select(vec![b"".as_slice(), PDF, JPEG, PNG, WEBP, HEIC, TIFF, b"PK\x03\x04", b"RIFF", b"\0\0\0\x18ftyp"]),
            cut in 0..40_usize,
            rest in proptest::collection::vec(proptest::num::u8::ANY, 0..3000),
        ) {
            let bytes = [start.get(..cut.min(start.len())).unwrap(), &rest].concat();
            if let Ok(kind) = check(&bytes, &MediaType::ALL, 3000) {
                proptest::prop_assert_eq!(sniff(&bytes), Some(kind));
                proptest::prop_assert!(!bytes.is_empty() && bytes.len() <= 3000);
            }
        }
    }

    #[test]
    fn size_and_wanted_kinds_are_held() {
        assert_eq!(check(b"", &MediaType::ALL, 10), Err(ContentError::Empty));
        let exactly = PDF.len();
        assert_eq!(check(PDF, &[MediaType::Pdf], exactly), Ok(MediaType::Pdf));
        assert!(matches!(
            check(PDF, &[MediaType::Pdf], exactly - 1),
            Err(ContentError::TooLarge { .. })
        ));
        assert_eq!(
            check(PNG, &[MediaType::Pdf], 1000),
            Err(ContentError::NotAllowed {
                found: MediaType::Png
            })
        );
    }

    #[test]
    fn a_pdf_that_was_cut_off_or_only_begins_like_one_is_refused() {
        let cut = PDF.strip_suffix(b"%%EOF\n").unwrap();
        let mut far = PDF.to_vec();
        far.extend(vec![b' '; 4 * PDF_TAIL]);
        let named =
            b"%PDF-1.7 <script>alert(1)</script> this is not a document at all, whatever it says. %%EOF";
        let versionless = [b"%PDF-x.y".as_slice(), PDF.get(8..).unwrap()].concat();
        for bad in [cut, &far, named, b"%PDF-1.4", &versionless] {
            assert_eq!(
                check(bad, &MediaType::ALL, 100_000),
                Err(ContentError::DamagedPdf)
            );
        }
        let mut trailing = PDF.to_vec();
        trailing.extend(b"\r\n\r\n");
        assert_eq!(check(&trailing, &MediaType::ALL, 1000), Ok(MediaType::Pdf));
    }
}
