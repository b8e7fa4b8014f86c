//! Payloads without what belongs to a person: the shape of a JSON text stays, its words do not.

use maud::{Markup, html};
use serde_json::Value;

use super::view::View;
use super::words as w;

/// Fields whose values name things of the protocol, not of a person. Everything else is hidden.
const PLAIN: &[&str] = &[
    "object",
    "field",
    "type",
    "messaging_product",
    "status",
    "event",
    "timestamp",
    "mime_type",
    "category",
    "pricing_model",
    "billable",
    "code",
    "kind",
    "version",
    "origin",
    "direction",
    "channel",
];
/// As deep as a text is followed; what lies deeper is hidden as one.
const DEEPEST: usize = 32;

/// The JSON text as it came, set out in lines; anything else as it is.
pub(crate) fn pretty(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

/// The text with every value hidden that may be a person's; a text that is no JSON is hidden as a whole.
pub(crate) fn masked(view: &View, text: &str) -> Markup {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => html! { (show(view, &value, "", 0)) },
        Err(_) => hidden(view),
    }
}

/// A query string with its values hidden.
pub(crate) fn query(query: &str) -> String {
    query
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
        .map(|name| format!("{name}=…"))
        .collect::<Vec<_>>()
        .join("&")
}

fn hidden(view: &View) -> Markup {
    html! { mark class="redacted" { "«" (view.say(w::HIDDEN)) "»" } }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn show(view: &View, value: &Value, name: &str, depth: usize) -> Markup {
    if depth > DEEPEST {
        return hidden(view);
    }
    match value {
        Value::Object(fields) => html! {
            "{\n"
            @for (n, (key, value)) in fields.iter().enumerate() {
                (indent(depth + 1)) "\"" (key) "\": " (show(view, value, key, depth + 1))
                @if n + 1 < fields.len() { "," } "\n"
            }
            (indent(depth)) "}"
        },
        Value::Array(items) => html! {
            "[\n"
            @for (n, item) in items.iter().enumerate() {
                (indent(depth + 1)) (show(view, item, name, depth + 1))
                @if n + 1 < items.len() { "," } "\n"
            }
            (indent(depth)) "]"
        },
        Value::Null | Value::Bool(_) => html! { (value.to_string()) },
        Value::String(_) | Value::Number(_) if PLAIN.contains(&name) => html! { (value.to_string()) },
        Value::String(_) | Value::Number(_) => hidden(view),
    }
}
