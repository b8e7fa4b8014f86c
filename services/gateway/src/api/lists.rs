//! What all lists share.

use serde::{Deserialize, Deserializer, de};

/// Things of a page that asks for no number.
const USUAL: u32 = 50;
/// Things of a page at most.
pub(crate) const MOST: u32 = 100;
/// Characters of a cursor at most.
const LONGEST_CURSOR: usize = 4096;

/// How many things of a list: 1 to 100, 50 when not said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) u32);

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let limit = u32::deserialize(from)?;
        if (1..=MOST).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(de::Error::custom("1 to 100"))
        }
    }
}

/// A cursor; empty for the beginning.
pub(crate) fn cursor<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.len() <= LONGEST_CURSOR {
        Ok(text)
    } else {
        Err(de::Error::custom("not one of ours"))
    }
}

/// The words between commas.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Things in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub(crate) limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    pub(crate) cursor: String,
}
