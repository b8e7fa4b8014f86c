//! `docs/events.md`: every event with its subject, owner, meaning and fields.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use prost_reflect::{DescriptorPool, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use puente_proto::{CATALOGUE, DESCRIPTORS};

use super::{NOTE, cell};

const INTRODUCTION: &str = "\
# Events

Every event travels on `puente.v1.<tenant>.<domain>.<entity>.<past verb>` as the protobuf message of that event alone.
The envelope is in the headers, after the NATS binding of CloudEvents in binary mode:

| header | holds |
|---|---|
| `ce-id`, `Nats-Msg-Id` | the event's id, a UUID of version 7 |
| `ce-type` | the full name of the message, as below |
| `ce-source`, `ce-subject`, `ce-time` | the publishing service, the aggregate's id, when it happened |
| `ce-specversion`, `content-type` | `1.0`, `application/protobuf` |
| `traceparent` | the W3C trace context of the journey that the event belongs to |
| `puente-tenant` | whose event it is; the same as in the subject |
| `puente-aggregate-version` | the gapless version of the aggregate, where it has one |
| `puente-cause` | the id of the event or request that led to it |
| `puente-replay` | set when the event is published again on purpose |

Fields are added, never renamed, retyped or removed.
";

/// The whole page.
pub(super) fn page() -> Result<String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).context("the descriptors do not decode")?;
    let mut page = format!("{NOTE}{INTRODUCTION}\n| event | published by | meaning |\n|---|---|---|\n");
    let mut sorted: Vec<_> = CATALOGUE.iter().collect();
    sorted.sort_by_key(|event| (event.domain, event.entity, event.verb));
    for event in &sorted {
        let name = format!("{}.{}.{}", event.domain, event.entity, event.verb);
        let anchor = name.replace('.', "");
        writeln!(
            page,
            "| [`{name}`](#{anchor}) | {} | {} |",
            event.owner,
            cell(event.about)
        )?;
    }
    let mut parts = BTreeMap::new();
    for event in &sorted {
        let message = pool
            .get_message_by_name(event.name)
            .with_context(|| format!("{} is not described", event.name))?;
        write!(
            page,
            "\n## {domain}.{entity}.{verb}\n\n{about}\n\nSubject `puente.v1.<tenant>.{domain}.{entity}.{verb}` · message `{name}` · published by {owner}\n",
            domain = event.domain,
            entity = event.entity,
            verb = event.verb,
            about = event.about,
            name = event.name,
            owner = event.owner,
        )?;
        fields(&mut page, &message, &mut parts)?;
    }
    if !parts.is_empty() {
        page.push_str("\n# Parts\n");
    }
    let mut done = Vec::new();
    while let Some((name, part)) = parts.pop_first() {
        if done.contains(&name) {
            continue;
        }
        write!(page, "\n## {name}\n\n")?;
        match part {
            Part::Message(message) => {
                writeln!(page, "{}", comment(&message.parent_file(), message.path()))?;
                fields(&mut page, &message, &mut parts)?;
            }
            Part::Enum(kind) => {
                writeln!(
                    page,
                    "{}\n\n| value | meaning |\n|---|---|",
                    comment(&kind.parent_file(), kind.path())
                )?;
                for value in kind.values() {
                    writeln!(
                        page,
                        "| `{}` | {} |",
                        value.name(),
                        cell(&comment(&kind.parent_file(), value.path()))
                    )?;
                }
            }
        }
        done.push(name);
    }
    Ok(page)
}

/// What fields of events are made of.
enum Part {
    Message(MessageDescriptor),
    Enum(prost_reflect::EnumDescriptor),
}

fn fields(page: &mut String, message: &MessageDescriptor, parts: &mut BTreeMap<String, Part>) -> Result<()> {
    page.push_str("\n| # | field | type | meaning |\n|---|---|---|---|\n");
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in fields {
        let about = comment(&message.parent_file(), field.path());
        writeln!(
            page,
            "| {} | `{}` | {} | {} |",
            field.number(),
            field.name(),
            kind(&field, parts),
            cell(&about)
        )?;
    }
    Ok(())
}

fn kind(field: &FieldDescriptor, parts: &mut BTreeMap<String, Part>) -> String {
    if field.is_map() {
        return "map of string to string".to_owned();
    }
    let name = match field.kind() {
        Kind::Message(message) if well_known(&message) => message.name().to_lowercase(),
        Kind::Message(message) => {
            let name = message.full_name().to_owned();
            let link = link(&name);
            parts.insert(name, Part::Message(message));
            link
        }
        Kind::Enum(kind) => {
            let name = kind.full_name().to_owned();
            let link = link(&name);
            parts.insert(name, Part::Enum(kind));
            link
        }
        plain => format!("{plain:?}").to_lowercase(),
    };
    match field.containing_oneof() {
        Some(choice) if !field.field_descriptor_proto().proto3_optional() => {
            format!("{name} (one of `{}`)", choice.name())
        }
        _ if field.is_list() => format!("list of {name}"),
        _ => name,
    }
}

/// Whether a message is one of protobuf's own, known to every reader.
pub(super) fn well_known(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with("google.protobuf.")
}

fn link(name: &str) -> String {
    let short = name.rsplit('.').next().unwrap_or(name);
    format!("[{short}](#{})", name.replace('.', "").to_lowercase())
}

/// The comment before what stands at `path` in a proto file.
pub(super) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let description = file.file_descriptor_proto();
    let location = description
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .find(|l| l.path == path);
    let text = location.map(|l| l.leading_comments()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
