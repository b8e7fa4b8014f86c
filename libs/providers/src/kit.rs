//! What adapters share: careful reading of outside JSON, bounded texts, and the making of calls.
//!
//! Nothing here knows a provider. A helper moves in when two adapters need it.

mod call;
mod grant;
mod json;
mod lines;
mod media;
mod place;
mod text;
mod trace;

pub(crate) use call::{Api, asked, base, bearer, classify, header, listed, read, segment, setting};
pub(crate) use grant::{ask_token, granted, nobody_consented};
pub(crate) use json::{Num, Text, lenient, lenient_structs};
pub(crate) use lines::{Corners, MAX_LINES, Word, confidence, corners, line, printed};
pub(crate) use media::{gone, media, too_large};
pub(crate) use place::Place;
pub(crate) use text::{
    MAX_ID, MAX_PAYLOAD, MAX_TEXT, content_key, cut, encode, flat, form, hex_digest, instant, key,
    placeholders, scrub, without_addresses,
};
pub(crate) use trace::{is_traceparent, join_reference, split_reference};
