//! Events as people and scripts read them: protobuf's JSON form under the names of the proto files, with what is
//! personal masked.
//!
//! Which fields are personal is said in `proto/`, by the option `puente.options.v1.personal`. Masking is what happens
//! unless [`Personal::Shown`] is asked for; a payload of an unknown type is never shown, because nobody knows what is
//! personal in it.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    SerializeOptions,
};
use serde_json::{Map, Value};

use crate::{DESCRIPTORS, EventType};

/// What stands in the place of a personal text.
pub const MASK: &str = "***";

/// What happens to personal fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// Texts become [`MASK`], numbers `null`; what is empty stays empty.
    Masked,
    /// They are shown as they are.
    Shown,
}

/// A payload that is not what its type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is no valid {0}")]
pub struct Undecodable(pub &'static str);

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap_or_default());

static PERSONAL: LazyLock<Option<ExtensionDescriptor>> =
    LazyLock::new(|| POOL.get_extension_by_name("puente.options.v1.personal"));

/// The descriptor of an event.
#[must_use]
pub fn descriptor(event: &EventType) -> Option<MessageDescriptor> {
    described(event.name)
}

/// The descriptor of any message of `proto/`, by its full name.
#[must_use]
pub fn described(name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(name)
}

/// Whether a field may tell who a person is, or what a person said.
#[must_use]
pub fn is_personal(field: &FieldDescriptor) -> bool {
    PERSONAL
        .as_ref()
        .is_some_and(|option| field.options().get_extension(option).as_bool() == Some(true))
}

/// The event's payload with every field that its type has, also those that are not set.
///
/// # Errors
/// When the bytes are no such message.
pub fn json(event: &EventType, payload: &[u8], personal: Personal) -> Result<Value, Undecodable> {
    let mut value = message(event.name, payload)?;
    let descriptor = descriptor(event).ok_or(Undecodable(event.name))?;
    if personal == Personal::Masked {
        mask(&mut value, &descriptor);
    }
    Ok(value)
}

/// Any message of `proto/` by its full name, with nothing masked: for answers that hold nothing personal, or that were
/// asked for in full.
///
/// # Errors
/// When the bytes are no such message.
pub fn message(name: &'static str, bytes: &[u8]) -> Result<Value, Undecodable> {
    let wrong = Undecodable(name);
    let descriptor = described(name).ok_or(wrong)?;
    let message = DynamicMessage::decode(descriptor, bytes).map_err(|_| wrong)?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|_| wrong)
}

fn mask(value: &mut Value, message: &MessageDescriptor) {
    let Value::Object(fields) = value else { return };
    for field in message.fields() {
        let Some(value) = fields.get_mut(field.name()) else {
            continue;
        };
        if is_personal(&field) {
            hide(value);
        } else if let Some(inner) = inner(&field) {
            each(value, field.is_map(), |value| mask(value, &inner));
        }
    }
}

/// The message that a field holds, if it holds one: of a map, that of its values.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(message) = field.kind() else {
        return None;
    };
    if !field.is_map() {
        return Some(message);
    }
    match message.map_entry_value_field().kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn each(value: &mut Value, map: bool, mut act: impl FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(act),
        Value::Object(entries) if map => entries.values_mut().for_each(act),
        other => act(other),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => MASK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(entries) => hide_all(entries),
        Value::Null | Value::Bool(_) | Value::Number(_) => *value = Value::Null,
    }
}

fn hide_all(entries: &mut Map<String, Value>) {
    entries.values_mut().for_each(hide);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::{CATALOGUE, Event as _, messaging, notifications};

    /// Field names that speak of a person in any message of an event.
    const TELLING: [&str; 20] = [
        "address",
        "choice",
        "contact_id",
        "contact_name",
        "contact_phone",
        "description",
        "email",
        "filename",
        "full_name",
        "group_id",
        "latitude",
        "location",
        "longitude",
        "phone",
        "provider_message_id",
        "reply_to",
        "text",
        "url",
        "variables",
        "name",
    ];
    /// Names of things, not of people; and a field that only holds fields.
    const NOT_PEOPLE: [&str; 3] = [
        "puente.messaging.v1.TemplateChanged.name",
        "puente.messaging.v1.MessageReceived.location",
        // The page of a task, behind the task manager's own log-in.
        "puente.sync.v1.TaskChanged.url",
    ];

    fn walk(message: &MessageDescriptor, seen: &mut Vec<FieldDescriptor>) {
        for field in message.fields() {
            if let Some(inner) = inner(&field) {
                walk(&inner, seen);
            }
            seen.push(field);
        }
    }

    #[test]
    fn every_field_of_an_event_whose_name_speaks_of_a_person_is_marked_personal() {
        let mut fields = Vec::new();
        for event in CATALOGUE {
            walk(&descriptor(event).unwrap(), &mut fields);
        }
        let telling = |field: &FieldDescriptor| {
            let name = field.name();
            let ends = ["_phone", "_email", "_text"]
                .iter()
                .any(|end| name.ends_with(end));
            ends || TELLING.contains(&name)
        };
        let told: Vec<_> = fields.iter().filter(|field| telling(field)).collect();
        assert!(told.len() > 20, "the walk finds the fields: {}", told.len());
        for field in told {
            let known = NOT_PEOPLE.contains(&field.full_name());
            assert_ne!(is_personal(field), known, "{}", field.full_name());
        }
    }

    #[test]
    fn personal_values_are_masked_at_every_depth_and_what_is_empty_stays_empty() {
        let event = messaging::MessageReceived {
            provider: "whatsapp_cloud".into(),
            contact_phone: "+573001234567".into(),
            text: "Hola, soy Ana".into(),
            location: Some(messaging::Location {
                latitude: 4.6,
                name: "Casa de Ana".into(),
                ..Default::default()
            }),
            receipt_sequence: 7,
            ..Default::default()
        };
        let kind = &messaging::MessageReceived::TYPE;
        let masked = json(kind, &event.encode_to_vec(), Personal::Masked).unwrap();
        let text = masked.to_string();
        for secret in ["573001234567", "Ana", "4.6"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(masked["contact_phone"], MASK);
        assert_eq!(masked["contact_name"], "");
        assert_eq!(masked["location"]["latitude"], Value::Null);
        assert_eq!(masked["provider"], "whatsapp_cloud");
        assert_eq!(masked["receipt_sequence"], "7");
        let shown = json(kind, &event.encode_to_vec(), Personal::Shown).unwrap();
        assert_eq!(shown["location"]["latitude"], 4.6);
        assert_eq!(shown["text"], "Hola, soy Ana");
    }

    #[test]
    fn the_values_of_a_personal_map_are_masked_and_its_keys_are_not() {
        let event = notifications::MessageRequested {
            variables: [("name".to_owned(), "Ana".to_owned())].into(),
            ..Default::default()
        };
        let kind = &notifications::MessageRequested::TYPE;
        let masked = json(kind, &event.encode_to_vec(), Personal::Masked).unwrap();
        assert_eq!(masked["variables"]["name"], MASK);
    }

    #[test]
    fn bytes_that_are_no_such_message_are_refused_without_being_repeated() {
        let kind = &messaging::MessageReceived::TYPE;
        let error = json(kind, b"\xff\xffAna", Personal::Masked).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payload is no valid puente.messaging.v1.MessageReceived"
        );
    }
}
