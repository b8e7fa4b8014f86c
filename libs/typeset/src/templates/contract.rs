//! The text of a tenant's contract.

use serde::Deserialize;
use toml::Spanned;

use super::TemplateProblem;
use super::placeholders::{Text, Values};
use super::problem::Examined;
use crate::clean;
use crate::fonts::Fonts;
use crate::limits;

/// The text that is compiled in.
const EMBEDDED: &str = include_str!("../../texts/contract.toml");

/// A contract's text, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContractText {
    pub(crate) title: String,
    /// Where contracts are signed when the data does not say.
    pub(crate) city: Option<String>,
    /// How client, provider and agent are called.
    pub(crate) roles: [String; 3],
    /// What stands for a price, a last day or a place that is not known.
    pub(crate) absent: Absent,
    pub(crate) preamble: Text,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) closing: Text,
}

/// What is printed inside a sentence where the data has nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absent {
    pub(crate) amount: String,
    pub(crate) valid_until: String,
    pub(crate) location: String,
    pub(crate) other: String,
}

/// One numbered clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) title: String,
    pub(crate) text: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractFile {
    format: Spanned<u32>,
    title: Spanned<String>,
    city: Option<Spanned<String>>,
    preamble: Spanned<String>,
    closing: Spanned<String>,
    roles: RolesFile,
    absent: AbsentFile,
    clauses: Spanned<Vec<ClauseFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesFile {
    client: Spanned<String>,
    provider: Spanned<String>,
    agent: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsentFile {
    amount: Spanned<String>,
    valid_until: Spanned<String>,
    location: Spanned<String>,
    other: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseFile {
    title: Spanned<String>,
    text: Spanned<String>,
}

impl ContractText {
    pub(crate) fn embedded() -> Result<Self, Vec<TemplateProblem>> {
        Self::parse("texts/contract.toml", EMBEDDED)
    }

    pub(super) fn parse(name: &str, source: &str) -> Result<Self, Vec<TemplateProblem>> {
        let mut examined = Examined::new(name, source);
        let file: ContractFile = match toml::from_str(source) {
            Ok(file) => file,
            Err(error) => {
                examined.syntax(&error);
                return Err(examined.found);
            }
        };
        let examined_ref = &mut examined;
        if *file.format.get_ref() != 1 {
            examined_ref.at(
                &file.format.span(),
                "`format` must be 1: this version knows no other",
            );
        }
        let count = file.clauses.get_ref().len();
        if count == 0 || count > limits::CLAUSES {
            let reason = format!("has {count} clauses; 1 to {} are allowed", limits::CLAUSES);
            examined_ref.at(&file.clauses.span(), reason);
        }
        let text = Self {
            title: line(examined_ref, "title", &file.title),
            city: file.city.map(|city| line(examined_ref, "city", &city)),
            roles: [
                line(examined_ref, "roles.client", &file.roles.client),
                line(examined_ref, "roles.provider", &file.roles.provider),
                line(examined_ref, "roles.agent", &file.roles.agent),
            ],
            absent: Absent {
                amount: line(examined_ref, "absent.amount", &file.absent.amount),
                valid_until: line(examined_ref, "absent.valid_until", &file.absent.valid_until),
                location: line(examined_ref, "absent.location", &file.absent.location),
                other: line(examined_ref, "absent.other", &file.absent.other),
            },
            preamble: body(examined_ref, "preamble", &file.preamble),
            clauses: file
                .clauses
                .into_inner()
                .iter()
                .map(|clause| Clause {
                    title: line(examined_ref, "clauses.title", &clause.title),
                    text: body(examined_ref, "clauses.text", &clause.text),
                })
                .collect(),
            closing: body(examined_ref, "closing", &file.closing),
        };
        if examined.found.is_empty() {
            Ok(text)
        } else {
            examined.found.sort();
            Err(examined.found)
        }
    }

    /// What is printed inside a sentence for a value that may be missing.
    pub(crate) fn or_other(&self, value: Option<&str>) -> String {
        value.unwrap_or(&self.absent.other).to_owned()
    }

    /// The clauses with their data.
    pub(crate) fn fill<'a>(
        &'a self,
        values: &'a Values,
    ) -> impl Iterator<Item = (&'a str, Vec<super::Paragraph>)> + 'a {
        self.clauses
            .iter()
            .map(|clause| (clause.title.as_str(), clause.text.fill(values)))
    }
}

fn line(examined: &mut Examined<'_>, field: &str, value: &Spanned<String>) -> String {
    let text = clean::line(Fonts::get(), value.get_ref());
    length(examined, field, value, limits::LINE);
    text
}

fn body(examined: &mut Examined<'_>, field: &str, value: &Spanned<String>) -> Text {
    length(examined, field, value, limits::CLAUSE_TEXT);
    match Text::parse(value.get_ref()) {
        Ok(text) => text,
        Err(bad) => {
            examined.at_word(&value.span(), &bad.word, format!("`{field}`: {}", bad.reason));
            Text::default()
        }
    }
}

fn length(examined: &mut Examined<'_>, field: &str, value: &Spanned<String>, max: usize) {
    let found = value.get_ref().chars().count();
    if value.get_ref().trim().is_empty() {
        examined.at(&value.span(), format!("`{field}` is empty"));
    } else if found > max {
        examined.at(
            &value.span(),
            format!("`{field}` has {found} characters; at most {max} are allowed"),
        );
    }
}
