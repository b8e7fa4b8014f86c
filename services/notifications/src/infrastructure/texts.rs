//! The sets of texts: what is built in, and what each tenant says instead.
//!
//! A file is refused as a whole, with every mistake and where it stands. A tenant's text may leave variables out, but
//! may ask for none that the built-in text of that key does not have: nobody would give them a value.

use std::collections::BTreeMap;
use std::path::Path;

use puente_types::TenantId;
use serde::Deserialize;

use crate::domain::text::{Template, Text, TextError};

/// The languages that are built in: code, file name, text.
const BUILT_IN: [(&str, &str, &str); 2] = [
    ("es", "texts/es.toml", include_str!("../../texts/es.toml")),
    ("en", "texts/en.toml", include_str!("../../texts/en.toml")),
];

type Set = BTreeMap<String, Entry>;

#[derive(Debug, Clone)]
struct Entry {
    text: Text,
    variables: Vec<String>,
    state: Option<StateName>,
}

/// An order's state as a text tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateName {
    /// The state's name in events.
    pub(crate) name: String,
    /// What people call it.
    pub(crate) label: String,
}

/// All texts of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    built_in: BTreeMap<String, Set>,
    own: BTreeMap<(TenantId, String), Set>,
}

/// One entry of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawText {
    text: String,
    #[serde(default)]
    variables: Vec<String>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
    #[serde(default)]
    state: Option<StateName>,
    #[serde(default)]
    template: Option<RawTemplate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplate {
    name: String,
    language: String,
    #[serde(default)]
    parameters: Vec<String>,
    category: String,
}

/// One mistake in a file of texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mistake {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// No TOML, or not of the form that is expected.
    #[error("{file}: {reason}")]
    Form {
        /// The file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// A text that is not right.
    #[error("{file}: [{key}]: {reason}")]
    Text {
        /// The file.
        file: String,
        /// The text's key.
        key: String,
        /// What is wrong.
        reason: TextError,
    },
    /// A tenant's text asks for a value that nobody gives.
    #[error(
        "{file}: [{key}]: variable `{variable}` is given to nobody who writes this text; there are: {known}"
    )]
    Ungiven {
        /// The file.
        file: String,
        /// The text's key.
        key: String,
        /// The variable.
        variable: String,
        /// Those that are given.
        known: String,
    },
    /// A file or folder whose name says nothing.
    #[error("{0}: expected <tenant>/<language>.toml")]
    Name(String),
}

/// All mistakes of one reading.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub(crate) struct Mistakes(pub(crate) Vec<Mistake>);

impl Texts {
    /// The built-in texts, and those of the folder where one is given: `<tenant>/<language>.toml`.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let mut built_in = BTreeMap::new();
        for (language, file, text) in BUILT_IN {
            built_in.insert(language.to_owned(), parse(file, text, None, &mut mistakes));
        }
        let mut texts = Self {
            built_in,
            own: BTreeMap::new(),
        };
        if let Some(folder) = folder {
            texts.read_folder(folder, &mut mistakes);
        }
        if mistakes.is_empty() {
            Ok(texts)
        } else {
            Err(Mistakes(mistakes))
        }
    }

    /// The text of a key as the tenant says it: their own, else the built-in one, in their language, else in Spanish.
    pub(crate) fn find(&self, tenant: &TenantId, language: &str, key: &str) -> Option<&Text> {
        [language, "es"].into_iter().find_map(|language| {
            let own = self
                .own
                .get(&(tenant.clone(), language.to_owned()))
                .and_then(|set| set.get(key));
            let entry = own.or_else(|| self.built_in.get(language).and_then(|set| set.get(key)));
            entry.map(|entry| &entry.text)
        })
    }

    /// The key of the text that tells of an order's state, and what the state is called; the tenant's own goes first.
    pub(crate) fn of_state(&self, tenant: &TenantId, language: &str, state: &str) -> Option<(&str, &str)> {
        let sets = [language, "es"].into_iter().flat_map(|language| {
            [
                self.own.get(&(tenant.clone(), language.to_owned())),
                self.built_in.get(language),
            ]
        });
        sets.flatten().flatten().find_map(|(key, entry)| {
            let told = entry.state.as_ref().filter(|told| told.name == state)?;
            Some((key.as_str(), told.label.as_str()))
        })
    }

    /// The languages that are built in.
    pub(crate) fn has_language(&self, language: &str) -> bool {
        self.built_in.contains_key(language)
    }

    /// The built-in texts of a language.
    #[cfg(test)]
    pub(crate) fn built_in(&self, language: &str) -> impl Iterator<Item = (&str, &Text)> {
        self.built_in
            .get(language)
            .into_iter()
            .flatten()
            .map(|(key, entry)| (key.as_str(), &entry.text))
    }

    fn read_folder(&mut self, folder: &Path, mistakes: &mut Vec<Mistake>) {
        for (tenant_dir, tenant) in entries(folder, mistakes) {
            let Ok(tenant) = tenant.parse::<TenantId>() else {
                mistakes.push(Mistake::Name(tenant_dir.display().to_string()));
                continue;
            };
            for (path, name) in entries(&tenant_dir, mistakes) {
                let file = path.display().to_string();
                let Some(language) = name
                    .strip_suffix(".toml")
                    .filter(|language| self.has_language(language))
                else {
                    mistakes.push(Mistake::Name(file));
                    continue;
                };
                match std::fs::read_to_string(&path) {
                    Ok(text) => {
                        let set = parse(&file, &text, self.built_in.get(language), mistakes);
                        self.own.insert((tenant.clone(), language.to_owned()), set);
                    }
                    Err(error) => mistakes.push(Mistake::Unreadable {
                        file,
                        reason: error.to_string(),
                    }),
                }
            }
        }
    }
}

/// The entries of a folder with their names, in order.
fn entries(folder: &Path, mistakes: &mut Vec<Mistake>) -> Vec<(std::path::PathBuf, String)> {
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned())))
            .collect::<Result<Vec<_>, _>>()
    });
    match listed {
        Ok(mut entries) => {
            entries.sort();
            entries
        }
        Err(error) => {
            let file = folder.display().to_string();
            mistakes.push(Mistake::Unreadable {
                file,
                reason: error.to_string(),
            });
            Vec::new()
        }
    }
}

/// Reads one file. `base` is the built-in set that the file's texts stand in for.
fn parse(file: &str, text: &str, base: Option<&Set>, mistakes: &mut Vec<Mistake>) -> Set {
    let raw: BTreeMap<String, RawText> = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            mistakes.push(Mistake::Form {
                file: file.to_owned(),
                reason: error.to_string(),
            });
            return Set::new();
        }
    };
    let mut set = Set::new();
    for (key, raw) in raw {
        let given = base
            .and_then(|base| base.get(&key))
            .map(|entry| entry.variables.as_slice());
        if let Some(given) = given
            && let Some(variable) = raw
                .variables
                .iter()
                .find(|v| !given.contains(v) && !raw.defaults.contains_key(*v))
        {
            let variable = variable.clone();
            mistakes.push(Mistake::Ungiven {
                file: file.to_owned(),
                key,
                variable,
                known: given.join(", "),
            });
            continue;
        }
        let template = raw.template.map(|t| Template {
            name: t.name,
            language: t.language,
            parameters: t.parameters,
            category: t.category,
        });
        match Text::new(&raw.text, &raw.variables, raw.defaults, template) {
            Ok(text) => {
                set.insert(
                    key,
                    Entry {
                        text,
                        variables: raw.variables,
                        state: raw.state,
                    },
                );
            }
            Err(reason) => mistakes.push(Mistake::Text {
                file: file.to_owned(),
                key,
                reason,
            }),
        }
    }
    set
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
