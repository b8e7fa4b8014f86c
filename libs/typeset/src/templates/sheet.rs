//! The words of a tenant's record sheets.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::TemplateProblem;
use super::problem::Examined;
use crate::clean;
use crate::data::{SheetFactKind, SheetOrigin};
use crate::fonts::Fonts;
use crate::limits;

/// The text that is compiled in.
const EMBEDDED: &str = include_str!("../../texts/sheet.toml");

/// A record sheet's words, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetText {
    pub(crate) title: String,
    labels: BTreeMap<String, String>,
    origins: Origins<String>,
    facts: Facts<String>,
    pub(crate) words: Words<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetFile {
    format: Spanned<u32>,
    title: Spanned<String>,
    labels: BTreeMap<String, Spanned<String>>,
    origins: Origins<Spanned<String>>,
    facts: Facts<Spanned<String>>,
    words: Words<Spanned<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origins<T> {
    read: T,
    confirmed: T,
    corrected: T,
    manual: T,
    generated: T,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts<T> {
    registered: T,
    seen: T,
    changed: T,
    mismatch: T,
}

/// What else is said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words<T> {
    pub(crate) contact: T,
    pub(crate) no_photo: T,
    pub(crate) removed: T,
}

impl SheetText {
    pub(crate) fn embedded() -> Result<Self, Vec<TemplateProblem>> {
        Self::parse("texts/sheet.toml", EMBEDDED)
    }

    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let mut examined = Examined::new(name, text);
        let file: SheetFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                examined.syntax(&error);
                return Err(examined.found);
            }
        };
        if *file.format.get_ref() != 1 {
            examined.at(
                &file.format.span(),
                "`format` must be 1: this version knows no other",
            );
        }
        let mut line = |value: &Spanned<String>| line(&mut examined, value);
        let labels = file.labels.iter();
        let sheet = Self {
            title: line(&file.title),
            labels: labels.map(|(name, value)| (name.clone(), line(value))).collect(),
            origins: Origins {
                read: line(&file.origins.read),
                confirmed: line(&file.origins.confirmed),
                corrected: line(&file.origins.corrected),
                manual: line(&file.origins.manual),
                generated: line(&file.origins.generated),
            },
            facts: Facts {
                registered: line(&file.facts.registered),
                seen: line(&file.facts.seen),
                changed: line(&file.facts.changed),
                mismatch: line(&file.facts.mismatch),
            },
            words: Words {
                contact: line(&file.words.contact),
                no_photo: line(&file.words.no_photo),
                removed: line(&file.words.removed),
            },
        };
        if examined.found.is_empty() {
            Ok(sheet)
        } else {
            Err(examined.found)
        }
    }

    /// How a value is called; one without a label of its own by its name.
    pub(crate) fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_else(|| {
            let words = name.replace('_', " ");
            let mut letters = words.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect()
        })
    }

    pub(crate) fn origin(&self, origin: SheetOrigin) -> &str {
        match origin {
            SheetOrigin::Read => &self.origins.read,
            SheetOrigin::Confirmed => &self.origins.confirmed,
            SheetOrigin::Corrected => &self.origins.corrected,
            SheetOrigin::Manual => &self.origins.manual,
            SheetOrigin::Generated => &self.origins.generated,
        }
    }

    pub(crate) fn fact(&self, kind: SheetFactKind) -> &str {
        match kind {
            SheetFactKind::Registered => &self.facts.registered,
            SheetFactKind::Seen => &self.facts.seen,
            SheetFactKind::Changed => &self.facts.changed,
            SheetFactKind::Mismatch => &self.facts.mismatch,
        }
    }
}

/// Words that say something.
fn line(examined: &mut Examined<'_>, value: &Spanned<String>) -> String {
    let text = clean::line(Fonts::get(), value.get_ref());
    let found = value.get_ref().chars().count();
    if text.is_empty() {
        examined.at(&value.span(), "is empty");
    } else if found > limits::LINE {
        let reason = format!("has {found} characters; at most {} are allowed", limits::LINE);
        examined.at(&value.span(), reason);
    }
    text
}
