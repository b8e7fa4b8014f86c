//! Serial plates and equipment, with the services behind them told what to answer.

mod assets;
mod captures;
mod pages;
mod recognize;

/// The least that is a JPEG.
pub(crate) const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9";
