//! What is known of an asset beside its serial: values by name.

use std::collections::BTreeMap;

use crate::domain::words::tidy;

/// Values by name.
pub type Values = BTreeMap<String, String>;

/// Longest name.
const MAX_NAME: usize = 40;
/// Longest value.
const MAX_VALUE: usize = 200;
/// Values that come at once.
const MAX_AT_ONCE: usize = 20;
/// Values of one asset.
const MAX_VALUES: usize = 60;

/// What is known of an asset: what plates say, and what people wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Data {
    /// What plates say.
    pub read: Values,
    /// What people wrote; an empty value hides what plates say.
    pub written: Values,
}

/// Why data cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadData {
    /// Nothing to write.
    #[error("name at least one value")]
    Nothing,
    /// Too many at once.
    #[error("at most {MAX_AT_ONCE} values are written at once")]
    TooMany,
    /// A name.
    #[error("a name has 1 to {MAX_NAME} characters of a-z and `_`")]
    Name,
    /// A value.
    #[error("a value has up to {MAX_VALUE} characters")]
    Value,
    /// Too many altogether.
    #[error("an asset has at most {MAX_VALUES} values")]
    Full,
}

/// What is usable of the facts of a plate: they come from a photograph, so that what does not fit is left out.
#[must_use]
pub fn facts<'f>(told: impl IntoIterator<Item = (&'f String, &'f String)>) -> Values {
    let mut facts: Values = told
        .into_iter()
        .filter(|(name, _)| is_name(name))
        .map(|(name, value)| (name.clone(), tidy(value).chars().take(MAX_VALUE).collect()))
        .filter(|(_, value): &(String, String)| !value.is_empty())
        .collect();
    while facts.len() > MAX_AT_ONCE {
        facts.pop_last();
    }
    facts
}

impl Data {
    /// As it is shown: people are right.
    #[must_use]
    pub fn shown(&self) -> Values {
        let mut shown = self.read.clone();
        shown.extend(self.written.clone());
        shown.retain(|_, value| !value.is_empty());
        shown
    }

    /// Takes in what a plate says; returns what became different for who looks at it.
    pub(super) fn read(&mut self, facts: &Values) -> Values {
        let before = self.shown();
        for (name, value) in facts {
            if self.read.contains_key(name) || self.read.len() < MAX_VALUES {
                self.read.insert(name.clone(), value.clone());
            }
        }
        difference(&before, &self.shown())
    }

    /// Takes in what a person wrote; returns what became different.
    pub(super) fn write(&mut self, changes: &Values) -> Result<Values, BadData> {
        if changes.is_empty() {
            return Err(BadData::Nothing);
        }
        if changes.len() > MAX_AT_ONCE {
            return Err(BadData::TooMany);
        }
        let before = self.shown();
        let mut written = self.written.clone();
        for (name, value) in changes {
            if !is_name(name) {
                return Err(BadData::Name);
            }
            let value = tidy(value);
            if value.chars().count() > MAX_VALUE {
                return Err(BadData::Value);
            }
            if value.is_empty() && !self.read.contains_key(name) {
                written.remove(name);
            } else {
                written.insert(name.clone(), value);
            }
        }
        if written.len() > MAX_VALUES {
            return Err(BadData::Full);
        }
        self.written = written;
        Ok(difference(&before, &self.shown()))
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// What is other in `after`; what is gone is empty.
fn difference(before: &Values, after: &Values) -> Values {
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    changed
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(gone.map(|name| (name.clone(), String::new())))
        .collect()
}
