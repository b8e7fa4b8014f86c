//! The kinds of file that are kept. A kind is what the content says, never what a name or a header claims.

use std::fmt;
use std::str::FromStr;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// PDF.
    Pdf,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC: what iPhones take photos in.
    Heic,
    /// TIFF: what scanners make.
    Tiff,
}

/// A text that names no kind that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("files of this kind are not kept")]
pub struct MediaTypeError;

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pdf,
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Heic,
        Self::Tiff,
    ];
    /// What a scan or a photo of a paper may be.
    pub const SCANS: [Self; 6] = Self::ALL;
    /// What browsers can show without help.
    pub const IMAGES: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    /// Its name in HTTP.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Tiff => "image/tiff",
        }
    }

    /// The ending of its files' names, without a dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
            Self::Tiff => "tiff",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mime())
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    fn from_str(mime: &str) -> Result<Self, MediaTypeError> {
        let named = Self::ALL.into_iter().find(|kind| kind.mime() == mime);
        named.ok_or(MediaTypeError)
    }
}
