//! A service's answer as JSON: under the names of `proto/`, times as RFC 3339, enumerations as words, and what is marked
//! personal there masked. One place for all answers, so that a new field cannot be forgotten.
//!
//! Masks leave what people recognise a thing by (the last digits of a number, initials of a name) and nothing more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::Value as Field;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _,
};
use puente_proto::json::{described, is_personal};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::{Principal, Right};

/// What stands for a masked text.
pub(crate) const MASK: &str = "•••";

/// How much of a person may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Show {
    /// Everything personal is masked.
    Masked,
    /// Names and words are shown, contact data is masked.
    Names,
    /// Everything; only after a row in the audit trail.
    All,
}

impl Show {
    /// What this principal sees without asking for more.
    pub(crate) fn to(principal: &Principal) -> Self {
        if principal.may(Right::RevealPersonal) {
            Self::Names
        } else {
            Self::Masked
        }
    }
}

/// The description of a message, by its full name.
pub(crate) fn message(name: &str) -> Option<MessageDescriptor> {
    described(name)
}

/// The message of this full name as JSON; `null` when it is none of ours.
pub(crate) fn json(name: &str, message: &impl Message, show: Show) -> Value {
    decoded(name, &message.encode_to_vec(), show).unwrap_or_default()
}

/// Encoded bytes as JSON; `None` when they are no such message.
pub(crate) fn decoded(name: &str, bytes: &[u8], show: Show) -> Option<Value> {
    let descriptor = self::message(name)?;
    let message = DynamicMessage::decode(descriptor, bytes).ok()?;
    Some(object(&message, show))
}

fn object(message: &DynamicMessage, show: Show) -> Value {
    if message.descriptor().full_name() == "google.protobuf.Timestamp" {
        return time(message);
    }
    let descriptor = message.descriptor();
    let fields = descriptor.fields().map(|field| {
        let absent = field.supports_presence() && !message.has_field(&field);
        let value = if absent {
            Value::Null
        } else {
            let mask = is_personal(&field) && !shown(&field, show);
            value(&field, &message.get_field(&field), show, mask)
        };
        (field.name().to_owned(), value)
    });
    Value::Object(fields.collect())
}

/// Names and words are not contact data.
fn shown(field: &FieldDescriptor, show: Show) -> bool {
    let words = matches!(
        field.name(),
        "name" | "client_name" | "contact_name" | "description" | "reason" | "file_name" | "note"
    );
    show == Show::All || (show == Show::Names && words)
}

fn value(field: &FieldDescriptor, value: &Field, show: Show, mask: bool) -> Value {
    match value {
        Field::List(items) => items.iter().map(|item| single(field, item, show, mask)).collect(),
        Field::Map(entries) => {
            let of_value = match field.kind() {
                Kind::Message(entry) => entry.map_entry_value_field(),
                _ => field.clone(),
            };
            let entries = entries
                .iter()
                .map(|(key, item)| (map_key(key), single(&of_value, item, show, mask)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        other => single(field, other, show, mask),
    }
}

fn single(field: &FieldDescriptor, value: &Field, show: Show, mask: bool) -> Value {
    match value {
        Field::Message(inner) => object(inner, show),
        Field::String(text) if mask => masked(field.name(), text).into(),
        Field::Bytes(_) if mask => Value::Null,
        _ if mask => Value::Null,
        Field::String(text) => text.as_str().into(),
        Field::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Field::Bool(value) => (*value).into(),
        Field::I32(value) => (*value).into(),
        Field::I64(value) => (*value).into(),
        Field::U32(value) => (*value).into(),
        Field::U64(value) => (*value).into(),
        Field::F32(value) => (*value).into(),
        Field::F64(value) => (*value).into(),
        Field::EnumNumber(number) => match field.kind() {
            Kind::Enum(of) => word(&of, *number),
            _ => Value::Null,
        },
        Field::List(_) | Field::Map(_) => Value::Null,
    }
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::String(text) => text.clone(),
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
    }
}

/// `DELIVERY_STATE_SENT` as `sent`; `null` for the unspecified one.
fn word(of: &EnumDescriptor, number: i32) -> Value {
    of.get_value(number)
        .filter(|_| number != 0)
        .map_or(Value::Null, |value| {
            words_of(of)
                .find(|(name, _)| name == value.name())
                .map_or(Value::Null, |(_, word)| word.into())
        })
}

/// The values of an enumeration with their words, without the unspecified one.
pub(crate) fn words_of(of: &EnumDescriptor) -> impl Iterator<Item = (String, String)> {
    let prefix = of
        .default_value()
        .name()
        .trim_end_matches("UNSPECIFIED")
        .to_owned();
    let values: Vec<_> = of
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| {
            let name = value.name().to_owned();
            let word = name.strip_prefix(&prefix).unwrap_or(&name).to_lowercase();
            (name, word)
        })
        .collect();
    values.into_iter()
}

fn time(message: &DynamicMessage) -> Value {
    let part = |name: &str| message.get_field_by_name(name);
    let seconds = part("seconds")
        .and_then(|value| value.as_i64())
        .unwrap_or_default();
    let nanos = part("nanos").and_then(|value| value.as_i32()).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|at| at.replace_nanosecond(nanos.try_into().ok()?).ok())
        .and_then(|at| at.format(&Rfc3339).ok())
        .map_or(Value::Null, Value::String)
}

/// What a masked text looks like.
pub(crate) fn masked(field: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    match field {
        "phone" | "client_phone" | "contact_phone" | "contact_id" => phone(text),
        "email" | "client_email" => email(text),
        "file_name" => file_name(text),
        "name" | "client_name" | "contact_name" => initials(text),
        _ => MASK.to_owned(),
    }
}

fn phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let tail = digits.len().checked_sub(4).and_then(|at| digits.get(at..));
    match tail {
        Some(tail) if digits.len() >= 8 => format!("{MASK} {}", tail.iter().collect::<String>()),
        _ => MASK.to_owned(),
    }
}

fn email(text: &str) -> String {
    match (text.chars().next(), text.rsplit_once('.')) {
        (Some(first), Some((_, ending))) if ending.len() <= 6 => format!("{first}{MASK}@{MASK}.{ending}"),
        _ => MASK.to_owned(),
    }
}

/// Of a file's name its ending stays, which says what kind of file it is.
fn file_name(text: &str) -> String {
    match text.rsplit_once('.') {
        Some((_, ending)) if (1..=4).contains(&ending.len()) => format!("{MASK}.{ending}"),
        _ => MASK.to_owned(),
    }
}

fn initials(text: &str) -> String {
    let parts: Vec<String> = text
        .split_whitespace()
        .filter_map(|part| part.chars().next())
        .take(4)
        .map(|first| format!("{first}{MASK}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use puente_proto::orders::{Client, ListClientsResponse};

    use super::*;

    fn page() -> ListClientsResponse {
        ListClientsResponse {
            clients: vec![Client {
                client_id: "c-1".into(),
                name: "Ana María Gómez".into(),
                email: "ana.gomez@example.com".into(),
                phone: "+573001234567".into(),
                location: "Calle 10".into(),
                registered_at: Some(puente_proto::timestamp(
                    time::macros::datetime!(2026-11-20 12:00 UTC),
                )),
                ..Client::default()
            }],
            ..ListClientsResponse::default()
        }
    }

    #[test]
    fn each_degree_of_showing_shows_no_more_than_it_says() {
        let name = "puente.orders.v1.ListClientsResponse";
        let masked = json(name, &page(), Show::Masked);
        assert_eq!(masked["clients"][0]["client_id"], "c-1");
        assert_eq!(masked["clients"][0]["name"], "A••• M••• G•••");
        assert_eq!(masked["clients"][0]["phone"], "••• 4567");
        assert_eq!(masked["clients"][0]["email"], "a•••@•••.com");
        assert_eq!(masked["clients"][0]["location"], MASK);
        assert_eq!(masked["clients"][0]["nit"], "");
        assert_eq!(masked["clients"][0]["registered_at"], "2026-11-20T12:00:00Z");
        let names = json(name, &page(), Show::Names);
        assert_eq!(names["clients"][0]["name"], "Ana María Gómez");
        assert_eq!(names["clients"][0]["phone"], "••• 4567");
        let all = json(name, &page(), Show::All);
        assert_eq!(all["clients"][0]["phone"], "+573001234567");
    }

    #[test]
    fn short_texts_are_masked_whole() {
        assert_eq!(masked("phone", "12345"), MASK);
        assert_eq!(masked("contact_id", "120363040@g.us"), "••• 3040");
        assert_eq!(masked("email", "ana"), MASK);
        assert_eq!(masked("file_name", "RUT de Ana.pdf"), "•••.pdf");
        assert_eq!(masked("file_name", "cédula 52.123.456 de Ana"), MASK);
        assert_eq!(masked("text", "Hola"), MASK);
        assert_eq!(masked("text", ""), "");
    }
}
