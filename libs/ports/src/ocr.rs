//! Text in pictures, as an engine reads it.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{CallCtx, Connection, ProviderError};

/// A picture to read.
#[derive(Clone)]
pub struct OcrPicture {
    /// Its encoded content, checked before: upright, and of a kind and size that the provider takes.
    pub bytes: Bytes,
    /// Its type by content: `image/jpeg`.
    pub media_type: &'static str,
    /// SHA-256 of the content, 64 hex digits.
    pub sha256: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The language that its text is most likely in: `es`; a hint, which providers may ignore.
    pub language: String,
}

impl std::fmt::Debug for OcrPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OcrPicture")
            .field("sha256", &self.sha256)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// All text that was found in a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TextRead {
    /// Lines in reading order, as the engine gives it.
    pub lines: Vec<TextLine>,
    /// The version of the model that read it, where the engine says so.
    pub model: String,
}

/// A line of text.
#[derive(Clone, PartialEq)]
pub struct TextLine {
    /// What it says. Words are apart by one blank.
    pub text: String,
    /// The four corners in pixels of the picture, clockwise from the top left of the text.
    pub corners: [(f32, f32); 4],
    /// How sure the engine is of the line, 0 to 1. Where an engine rates words only: the lowest of them.
    pub confidence: f32,
    /// One for each character of `text`, 0 to 1. Where an engine rates words only: that of the word. Blanks have 1.
    pub characters: Vec<f32>,
}

// What stands on a plate is a customer's: it is not for logs.
impl std::fmt::Debug for TextLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextLine")
            .field("confidence", &self.confidence)
            .field("corners", &self.corners)
            .finish_non_exhaustive()
    }
}

/// What an engine answers to a picture.
#[derive(Debug, Clone, PartialEq)]
pub enum OcrProgress {
    /// It was read.
    Done(TextRead),
    /// It is being read at the provider.
    Pending {
        /// What to ask with.
        operation: String,
        /// Not to be asked before so long.
        wait: Duration,
    },
}

/// A provider that reads text in pictures. Its calls change nothing there, so each may be repeated; each is billed.
#[async_trait]
pub trait OcrEngine: Send + Sync {
    /// The largest picture that it takes, in bytes, and the shortest and longest side in pixels.
    fn limits(&self) -> OcrLimits;

    /// The same for one connection, whose tier may allow more.
    fn limits_of(&self, _connection: &Connection) -> OcrLimits {
        self.limits()
    }

    /// Sends a picture.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn read(&self, ctx: CallCtx<'_>, picture: &OcrPicture) -> Result<OcrProgress, ProviderError>;

    /// Asks for what was [`OcrProgress::Pending`]. An operation that the provider no longer knows is `Temporary`: the
    /// picture may be sent again.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn poll(&self, ctx: CallCtx<'_>, operation: &str) -> Result<OcrProgress, ProviderError>;
}

/// What pictures an engine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OcrLimits {
    /// Bytes.
    pub max_bytes: usize,
    /// Pixels of the shorter side, at least.
    pub min_side: u32,
    /// Pixels of the longer side, at most.
    pub max_side: u32,
}
