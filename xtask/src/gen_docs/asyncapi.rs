//! `docs/asyncapi.json`: the event catalogue for programs, as AsyncAPI 3.
//!
//! Each event is a channel with one message. Its payload is described by a protobuf text that stands alone: the event
//! and whatever it is made of, with the comments of `proto/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use puente_proto::{CATALOGUE, DESCRIPTORS, EventType};
use serde_json::{Map, Value, json};

use super::events::{comment, well_known};

/// What the format is called in AsyncAPI.
const PROTOBUF: &str = "application/vnd.google.protobuf;version=3";

/// The whole document.
pub(super) fn document() -> Result<String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).context("the descriptors do not decode")?;
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for event in CATALOGUE {
        let message = pool
            .get_message_by_name(event.name)
            .with_context(|| format!("{} is not described", event.name))?;
        let key = format!("{}.{}.{}", event.domain, event.entity, event.verb);
        channels.insert(key.clone(), channel(event, &key));
        operations.insert(format!("publish.{key}"), operation(event, &key));
        messages.insert(
            key,
            json!({
                "name": event.name,
                "title": event.name.rsplit('.').next(),
                "summary": event.about,
                "contentType": "application/protobuf",
                "headers": { "$ref": "#/components/schemas/envelope" },
                "payload": { "schemaFormat": PROTOBUF, "schema": proto(&message)? },
            }),
        );
    }
    let document = json!({
        "asyncapi": "3.1.0",
        "id": "urn:puente:events",
        "info": {
            "title": "Puente events",
            "version": "1.0.0",
            "description": "Every event of the fleet. Fields are added, never renamed, retyped or removed. A consumer \
                            ignores fields that it does not know, and handles an event once by its ce-id.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/protobuf",
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "nats",
                "description": "NATS with JetStream; the stream EVENTS keeps events for 30 days by default.",
                "variables": { "host": { "default": "127.0.0.1:4222", "description": "Host and port of the broker." } },
            },
        },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": { "envelope": envelope() } },
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn channel(event: &EventType, key: &str) -> Value {
    json!({
        "address": format!("puente.v1.{{tenant}}.{key}"),
        "description": event.about,
        "parameters": { "tenant": { "description": "Whose event it is: 1 to 32 characters of a-z, 0-9 and _." } },
        "messages": { key: { "$ref": format!("#/components/messages/{key}") } },
        "servers": [{ "$ref": "#/servers/broker" }],
    })
}

fn operation(event: &EventType, key: &str) -> Value {
    json!({
        "action": "send",
        "channel": { "$ref": format!("#/channels/{key}") },
        "summary": format!("Published by {}.", event.owner),
        "messages": [{ "$ref": format!("#/channels/{key}/messages/{key}") }],
    })
}

/// The headers, after the NATS binding of CloudEvents in binary mode.
fn envelope() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "type": "object",
        "required": ["ce-id", "ce-type", "ce-source", "ce-subject", "ce-time", "ce-specversion", "content-type",
                     "Nats-Msg-Id", "puente-tenant"],
        "properties": {
            "ce-id": { "type": "string", "format": "uuid", "description": "The event's id, a UUID of version 7." },
            "ce-type": text("The full name of the payload's message."),
            "ce-source": text("The service that publishes it."),
            "ce-subject": text("The id of the aggregate it happened to."),
            "ce-time": { "type": "string", "format": "date-time", "description": "When it happened." },
            "ce-specversion": { "const": "1.0" },
            "content-type": { "const": "application/protobuf" },
            "Nats-Msg-Id": text("The event's id; of a replay, another one."),
            "traceparent": text("The W3C trace context of the journey that the event belongs to."),
            "puente-tenant": text("Whose event it is; the same as in the subject."),
            "puente-aggregate-version": text("The gapless version of the aggregate, where it has one."),
            "puente-cause": text("The id of the event or request that led to it."),
            "puente-replay": text("Set when the event is published again on purpose."),
        },
    })
}

/// A message and all it is made of, as protobuf text.
fn proto(message: &MessageDescriptor) -> Result<String> {
    let mut parts = Parts::default();
    parts.add(message);
    let mut text = format!("syntax = \"proto3\";\n\npackage {};\n", message.package_name());
    if parts.timestamps {
        text.push_str("\nimport \"google/protobuf/timestamp.proto\";\n");
    }
    write_message(&mut text, message)?;
    for (name, part) in &parts.messages {
        if name != message.full_name() {
            write_message(&mut text, part)?;
        }
    }
    for part in parts.enums.values() {
        write_enum(&mut text, part)?;
    }
    Ok(text)
}

/// What a message is made of.
#[derive(Default)]
struct Parts {
    messages: BTreeMap<String, MessageDescriptor>,
    enums: BTreeMap<String, EnumDescriptor>,
    timestamps: bool,
}

impl Parts {
    fn add(&mut self, message: &MessageDescriptor) {
        if self
            .messages
            .insert(message.full_name().to_owned(), message.clone())
            .is_some()
        {
            return;
        }
        for field in message.fields().filter(|field| !field.is_map()) {
            match field.kind() {
                Kind::Message(part) if well_known(&part) => self.timestamps = true,
                Kind::Message(part) => self.add(&part),
                Kind::Enum(part) => drop(self.enums.insert(part.full_name().to_owned(), part)),
                _ => {}
            }
        }
    }
}

fn write_message(text: &mut String, message: &MessageDescriptor) -> Result<()> {
    let about = comment(&message.parent_file(), message.path());
    writeln!(text, "\n// {about}\nmessage {} {{", message.name())?;
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let mut open = None;
    for field in fields {
        let choice = field
            .containing_oneof()
            .filter(|_| !field.field_descriptor_proto().proto3_optional())
            .map(|choice| choice.name().to_owned());
        if choice != open {
            if open.is_some() {
                text.push_str("  }\n");
            }
            if let Some(name) = &choice {
                writeln!(text, "  oneof {name} {{")?;
            }
            open = choice;
        }
        let indent = if open.is_some() { "    " } else { "  " };
        let about = comment(&message.parent_file(), field.path());
        writeln!(
            text,
            "{indent}// {about}\n{indent}{}{} {} = {};",
            label(&field),
            kind(&field),
            field.name(),
            field.number()
        )?;
    }
    if open.is_some() {
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    Ok(())
}

fn write_enum(text: &mut String, part: &EnumDescriptor) -> Result<()> {
    let file = part.parent_file();
    writeln!(
        text,
        "\n// {}\nenum {} {{",
        comment(&file, part.path()),
        part.name()
    )?;
    for value in part.values() {
        let about = comment(&file, value.path());
        writeln!(text, "  // {about}\n  {} = {};", value.name(), value.number())?;
    }
    text.push_str("}\n");
    Ok(())
}

fn label(field: &FieldDescriptor) -> &'static str {
    if field.is_list() {
        "repeated "
    } else if field.field_descriptor_proto().proto3_optional() {
        "optional "
    } else {
        ""
    }
}

fn kind(field: &FieldDescriptor) -> String {
    let name = |kind: Kind| match kind {
        Kind::Message(part) if well_known(&part) => part.full_name().to_owned(),
        Kind::Message(part) => part.name().to_owned(),
        Kind::Enum(part) => part.name().to_owned(),
        plain => format!("{plain:?}").to_lowercase(),
    };
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            format!("map<{}, {}>", name(key.kind()), name(value.kind()))
        }
        kind => name(kind),
    }
}
