//! A text with `{variables}`: checked when it is loaded, filled in when it is sent.
//!
//! A text that was accepted can only fail for want of a value, and then nothing is sent: a person never sees a
//! placeholder or a gap.

use std::collections::{BTreeMap, BTreeSet};

/// What a text says, and with which template it is said outside the session window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    parts: Vec<Part>,
    defaults: BTreeMap<String, String>,
    template: Option<Template>,
}

/// The provider's template that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// Its name at the provider.
    pub(crate) name: String,
    /// Its language code at the provider.
    pub(crate) language: String,
    /// The variables that fill its parameters, in order.
    pub(crate) parameters: Vec<String>,
    /// UTILITY, MARKETING or AUTHENTICATION.
    pub(crate) category: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Variable(String),
}

/// Why a text is refused when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    /// `{name}` stands in the text, and is not declared.
    #[error("variable `{{{0}}}` is used and not declared in `variables`")]
    Undeclared(String),
    /// A declared variable is used nowhere.
    #[error("variable `{0}` is declared and used neither in the text nor in the template")]
    Unused(String),
    /// A default for something that is no variable.
    #[error("`defaults` names `{0}`, which is no declared variable")]
    StrayDefault(String),
    /// The same variable twice.
    #[error("variable `{0}` is declared twice")]
    Twice(String),
    /// A brace that opens or closes nothing.
    #[error("a brace stands alone near `{0}`; write {{{{ or }}}} for a brace that is to be seen")]
    Brace(String),
    /// No words at all.
    #[error("the text is empty")]
    Empty,
    /// The template's category is none that we know.
    #[error("template category `{0}` is none of UTILITY, MARKETING, AUTHENTICATION")]
    Category(String),
}

/// A variable without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable `{0}` has no value")]
pub(crate) struct Missing(pub(crate) String);

impl Text {
    /// Checks a text against what it declares.
    pub(crate) fn new(
        text: &str,
        variables: &[String],
        defaults: BTreeMap<String, String>,
        template: Option<Template>,
    ) -> Result<Self, TextError> {
        let mut declared = BTreeSet::new();
        for variable in variables {
            if !declared.insert(variable.as_str()) {
                return Err(TextError::Twice(variable.clone()));
            }
        }
        if text.trim().is_empty() {
            return Err(TextError::Empty);
        }
        let parts = split(text)?;
        let in_text = parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Words(_) => None,
        });
        let in_template = template
            .iter()
            .flat_map(|t| t.parameters.iter().map(String::as_str));
        let used: BTreeSet<&str> = in_text.chain(in_template).collect();
        if let Some(name) = used.difference(&declared).next() {
            return Err(TextError::Undeclared((*name).to_owned()));
        }
        if let Some(name) = declared.difference(&used).next() {
            return Err(TextError::Unused((*name).to_owned()));
        }
        if let Some(name) = defaults.keys().find(|name| !declared.contains(name.as_str())) {
            return Err(TextError::StrayDefault(name.clone()));
        }
        if let Some(template) = &template
            && !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&template.category.as_str())
        {
            return Err(TextError::Category(template.category.clone()));
        }
        Ok(Self {
            parts,
            defaults,
            template,
        })
    }

    /// The template that says the same.
    pub(crate) fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// The variables of text and template that must be given a value.
    #[cfg(test)]
    pub(crate) fn wanted(&self) -> BTreeSet<&str> {
        let in_text = self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Words(_) => None,
        });
        let in_template = self
            .template
            .iter()
            .flat_map(|t| t.parameters.iter().map(String::as_str));
        in_text
            .chain(in_template)
            .filter(|name| !self.defaults.contains_key(*name))
            .collect()
    }

    /// The text with its values.
    pub(crate) fn render(&self, values: &BTreeMap<String, String>) -> Result<String, Missing> {
        let mut body = String::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => body.push_str(words),
                Part::Variable(name) => body.push_str(self.value(name, values)?),
            }
        }
        Ok(body.trim().to_owned())
    }

    /// The template's parameters in order. Providers refuse line breaks, tabs and runs of spaces in them.
    pub(crate) fn parameters(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>, Missing> {
        let names = self.template.iter().flat_map(|t| &t.parameters);
        let value = |name: &String| {
            let value = self
                .value(name, values)?
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            if value.is_empty() {
                Err(Missing(name.clone()))
            } else {
                Ok(value)
            }
        };
        names.map(value).collect()
    }

    /// A value of nothing but blanks is no value; a default may be empty on purpose.
    fn value<'a>(&'a self, name: &str, values: &'a BTreeMap<String, String>) -> Result<&'a str, Missing> {
        let given = values
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty());
        given
            .or_else(|| self.defaults.get(name).map(String::as_str))
            .ok_or_else(|| Missing(name.to_owned()))
    }
}

fn split(text: &str) -> Result<Vec<Part>, TextError> {
    let mut parts = Vec::new();
    let mut words = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                words.push(c);
            }
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' => name.push(c),
                        _ => return Err(TextError::Brace(format!("{{{name}"))),
                    }
                }
                if name.is_empty() {
                    return Err(TextError::Brace("{}".to_owned()));
                }
                if !words.is_empty() {
                    parts.push(Part::Words(std::mem::take(&mut words)));
                }
                parts.push(Part::Variable(name));
            }
            '}' => return Err(TextError::Brace("}".to_owned())),
            c => words.push(c),
        }
    }
    if !words.is_empty() {
        parts.push(Part::Words(words));
    }
    Ok(parts)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
