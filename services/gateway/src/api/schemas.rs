//! Schemas of `proto/` messages as they are sent: fields, types, and the comments that say what they mean.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::application::reflect::{message, words_of};

/// The schemas of these messages, and of those inside of them.
pub(super) fn describe_all(mut names: BTreeSet<String>, schemas: &mut BTreeMap<String, Value>) {
    while let Some(name) = names.pop_first() {
        if schemas.contains_key(&name) {
            continue;
        }
        let Some(descriptor) = message(&name) else {
            continue;
        };
        let mut inner = BTreeSet::new();
        let schema = describe(&descriptor, &mut inner);
        schemas.insert(name, schema);
        names.extend(inner);
    }
}

fn describe(descriptor: &MessageDescriptor, inner: &mut BTreeSet<String>) -> Value {
    let comments = comments(descriptor);
    let mut properties = Map::new();
    for field in descriptor.fields() {
        let mut schema = field_schema(&field, inner);
        if let (Some(comment), Value::Object(fields)) = (comments.get(&field.number()), &mut schema) {
            let said = fields.entry("description");
            said.or_insert_with(|| comment.as_str().into());
        }
        properties.insert(field.name().to_owned(), schema);
    }
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The comments of a message's fields, by their numbers.
fn comments(descriptor: &MessageDescriptor) -> BTreeMap<u32, String> {
    let file = descriptor.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let path = descriptor.path();
    let mut found = BTreeMap::new();
    for location in info.into_iter().flat_map(|info| &info.location) {
        if let Some([2, at]) = location.path.strip_prefix(path)
            && let Some(comment) = &location.leading_comments
            && let Ok(at) = usize::try_from(*at)
            && let Some(field) = descriptor.descriptor_proto().field.get(at)
        {
            let text = comment.split_whitespace().collect::<Vec<_>>().join(" ");
            found.insert(field.number().unsigned_abs(), text);
        }
    }
    found
}

fn field_schema(field: &FieldDescriptor, inner: &mut BTreeSet<String>) -> Value {
    if field.is_map() {
        return json!({ "type": "object", "additionalProperties": true });
    }
    // An encoded event is shown decoded; see `orders::payload`.
    if field.name() == "payload" && matches!(field.kind(), Kind::Bytes) {
        let about = "The event's message as JSON, personal fields masked; null where it cannot be read or is not shown.";
        return json!({ "type": ["object", "null"], "description": about });
    }
    let nullable = field.supports_presence() || puente_proto::json::is_personal(field);
    let single = single(field, nullable && !field.is_list(), inner);
    if field.is_list() {
        json!({ "type": "array", "items": single })
    } else {
        single
    }
}

fn single(field: &FieldDescriptor, nullable: bool, inner: &mut BTreeSet<String>) -> Value {
    let of = |kind: &str| {
        if nullable {
            json!([kind, "null"])
        } else {
            json!(kind)
        }
    };
    match field.kind() {
        Kind::Bool => json!({ "type": of("boolean") }),
        Kind::Double | Kind::Float => json!({ "type": of("number") }),
        Kind::String => json!({ "type": of("string") }),
        Kind::Bytes => json!({ "type": of("string"), "contentEncoding": "base64" }),
        Kind::Enum(values) => {
            let mut words: Vec<Value> = words_of(&values).map(|(_, word)| word.into()).collect();
            words.push(Value::Null);
            json!({ "enum": words })
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": of("string"), "format": "date-time" })
        }
        Kind::Message(message) => {
            inner.insert(message.full_name().to_owned());
            let reference = json!({ "$ref": format!("#/components/schemas/{}", message.full_name()) });
            if nullable {
                json!({ "anyOf": [reference, { "type": "null" }] })
            } else {
                reference
            }
        }
        _ => json!({ "type": of("integer") }),
    }
}
