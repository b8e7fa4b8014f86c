//! The event catalogue as people and scripts read it.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use puente_proto::{EventType, json};
use serde::Serialize;

use super::pattern::short;

/// An event for scripts: one line of `--json`. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Domain, entity and verb.
    pub(crate) name: String,
    /// On which subject it travels.
    pub(crate) subject: String,
    /// Its full protobuf name.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// The service that publishes it.
    pub(crate) owner: &'static str,
    /// What it means.
    pub(crate) about: &'static str,
    /// What it holds.
    pub(crate) fields: Vec<Field>,
}

/// A field of an event; one of a message inside has a path.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    /// Its name, or its path.
    pub(crate) name: String,
    /// Its protobuf type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Whether it is masked unless somebody asks to see it.
    pub(crate) personal: bool,
    /// What it means.
    pub(crate) about: String,
}

impl Entry {
    /// What the catalogue says of an event.
    pub(crate) fn of(event: &'static EventType) -> Self {
        let mut fields = Vec::new();
        if let Some(message) = json::descriptor(event) {
            describe(&message, "", &mut fields);
        }
        Self {
            name: short(event),
            subject: format!("puente.v1.<tenant>.{}", short(event)),
            kind: event.name,
            owner: event.owner,
            about: event.about,
            fields,
        }
    }
}

/// Events are shallow; a message that held itself would end here.
const DEPTH: usize = 4;

fn describe(message: &MessageDescriptor, path: &str, into: &mut Vec<Field>) {
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in fields {
        let name = format!("{path}{}", field.name());
        let inner = match field.kind() {
            Kind::Message(inner) if !field.is_map() && !inner.full_name().starts_with("google.") => {
                Some(inner)
            }
            _ => None,
        };
        into.push(Field {
            kind: kind(&field),
            personal: json::is_personal(&field),
            about: comment(message, &field),
            name: name.clone(),
        });
        if let Some(inner) = inner
            && name.matches('.').count() < DEPTH
        {
            describe(&inner, &format!("{name}."), into);
        }
    }
}

fn kind(field: &FieldDescriptor) -> String {
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map of {} to {}", kind(&key), kind(&value));
    }
    let one = match field.kind() {
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(values) => values.name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    if field.is_list() {
        format!("list of {one}")
    } else {
        one
    }
}

/// The comment that stands before a field in its proto file.
fn comment(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let file = message.parent_file_descriptor_proto();
    let comment = file.source_code_info.as_ref().and_then(|info| {
        info.location
            .iter()
            .find(|location| location.path == field.path())
            .map(|location| location.leading_comments().trim().replace("\n ", " "))
    });
    comment.unwrap_or_default()
}
