//! What all lists share.

use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

use crate::application::failure::Failure;

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

/// The id that a cursor of a list of our own tables names; `None` at the beginning.
pub(crate) fn below(cursor: &str) -> Result<Option<Uuid>, Failure> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let id = Uuid::try_parse(cursor);
    id.map(Some)
        .map_err(|_| Failure::Invalid("the cursor is none of ours".to_owned()))
}

/// Cuts what was read to the page that was asked for; the cursor of the next one, empty when nothing was cut off. One more
/// than the page has to be read.
pub(crate) fn cut<T>(rows: &mut Vec<T>, limit: Limit, id: impl Fn(&T) -> Uuid) -> String {
    let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    last.map(|row| id(row).to_string()).unwrap_or_default()
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
