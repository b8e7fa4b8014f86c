//! Texts with `{placeholders}`: paragraphs, list items, and the places where data goes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::anchors::is_dangerous;
use crate::clean;
use crate::fonts::Fonts;
use crate::limits;

/// What may stand in braces. Only what is short: a description stands in the table above the clauses.
pub(crate) const NAMES: [&str; 27] = [
    "agente",
    "agente_correo",
    "agente_direccion",
    "agente_nit",
    "agente_telefono",
    "ciudad",
    "cliente",
    "cliente_correo",
    "cliente_direccion",
    "cliente_nit",
    "cliente_telefono",
    "contrato",
    "empresa",
    "empresa_correo",
    "empresa_direccion",
    "empresa_nit",
    "fecha",
    "lugar",
    "orden",
    "proveedor",
    "proveedor_correo",
    "proveedor_direccion",
    "proveedor_nit",
    "proveedor_telefono",
    "servicio",
    "valor",
    "vigencia",
];

/// Those that are set in bold: who, and how much.
const STRONG: [&str; 4] = ["agente", "cliente", "proveedor", "valor"];

/// The value of each of [`NAMES`].
pub(crate) type Values = BTreeMap<&'static str, String>;

/// A text with places for data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<Vec<Part>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value(&'static str),
    /// The mark at the beginning of a list item.
    Item,
}

/// A paragraph with its data, as the layouts read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Paragraph {
    /// Whether it is an item of a list.
    pub(crate) item: bool,
    pub(crate) pieces: Vec<Piece>,
}

/// A run of one style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) strong: bool,
}

/// Why a text cannot be used: the word at which it fails, and the reason.
pub(crate) struct BadText {
    pub(crate) word: String,
    pub(crate) reason: String,
}

impl Text {
    /// Reads a text. An empty line or a line that starts with `- ` begins a new paragraph; `{{` and `}}` are braces.
    pub(crate) fn parse(text: &str) -> Result<Self, BadText> {
        let mut paragraphs: Vec<Vec<Part>> = Vec::new();
        let mut places = 0;
        for (item, source) in split(text) {
            let mut parts = if item { vec![Part::Item] } else { Vec::new() };
            for part in parts_of(&clean::template(Fonts::get(), &source))? {
                places += usize::from(matches!(part, Part::Value(_)));
                parts.push(part);
            }
            paragraphs.push(parts);
        }
        if places > limits::CLAUSE_PLACEHOLDERS {
            return Err(BadText {
                word: "{".to_owned(),
                reason: format!(
                    "has {places} placeholders; at most {} are allowed",
                    limits::CLAUSE_PLACEHOLDERS
                ),
            });
        }
        Ok(Self(paragraphs))
    }

    /// Puts the data in its places.
    pub(crate) fn fill(&self, values: &Values) -> Vec<Paragraph> {
        self.0.iter().map(|parts| fill(parts, values)).collect()
    }
}

fn fill(parts: &[Part], values: &Values) -> Paragraph {
    let mut paragraph = Paragraph {
        item: false,
        pieces: Vec::new(),
    };
    for part in parts {
        let (text, strong) = match part {
            Part::Item => {
                paragraph.item = true;
                continue;
            }
            Part::Literal(text) => (after(paragraph.pieces.last(), text), false),
            Part::Value(name) => (
                values.get(name).cloned().unwrap_or_default(),
                STRONG.contains(name),
            ),
        };
        paragraph.pieces.push(Piece { text, strong });
    }
    // Two harmless texts can make an anchor where they meet.
    let whole: String = paragraph.pieces.iter().map(|piece| piece.text.as_str()).collect();
    if is_dangerous(&whole) {
        for piece in &mut paragraph.pieces {
            piece.text = piece.text.replace('_', "-");
        }
    }
    paragraph
}

/// A literal after what stands before it: "S. A. S." at the end of a sentence has one full stop, not two.
fn after(before: Option<&Piece>, literal: &str) -> String {
    let stopped = before.is_some_and(|piece| piece.text.ends_with('.'));
    literal
        .strip_prefix('.')
        .filter(|_| stopped)
        .unwrap_or(literal)
        .to_owned()
}

/// The paragraphs of a text, and whether each is an item. Lines in between are joined, as in any text that is written in
/// lines of a comfortable length.
fn split(text: &str) -> Vec<(bool, String)> {
    let mut paragraphs: Vec<(bool, String)> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            open = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            paragraphs.push((true, item.to_owned()));
            open = true;
        } else if let Some((_, last)) = paragraphs.last_mut().filter(|_| open) {
            last.push(' ');
            last.push_str(line);
        } else {
            paragraphs.push((false, line.to_owned()));
            open = true;
        }
    }
    paragraphs
}

fn parts_of(text: &str) -> Result<Vec<Part>, BadText> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some((name, after)) = named(from) {
            if !literal.is_empty() {
                parts.push(Part::Literal(clean::breakable_text(&literal)));
                literal.clear();
            }
            parts.push(Part::Value(known(name)?));
            rest = after;
        } else {
            return Err(BadText {
                word: from.chars().take(12).collect(),
                reason: "a brace without its other; write {{ or }} for a brace that is printed".to_owned(),
            });
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(clean::breakable_text(&literal)));
    }
    Ok(parts)
}

/// The name in braces at the beginning, and what follows. What holds more than a word is no name: its brace is open.
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    name.chars()
        .all(|c| c.is_alphanumeric() || c == '_')
        .then_some((name, after))
}

fn known(name: &str) -> Result<&'static str, BadText> {
    NAMES
        .iter()
        .find(|known| **known == name)
        .copied()
        .ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            BadText {
                word: format!("{{{name}}}"),
                reason: format!("unknown placeholder {{{shown}}}; known are {}", NAMES.join(", ")),
            }
        })
}

#[cfg(test)]
#[path = "placeholders_tests.rs"]
mod tests;
