//! What of a payload may be seen: its form.
//!
//! Keys, types and lengths stay. Text is replaced letter by letter, and so are long numbers, which may be a phone's or
//! a person's. Only words that name a form (`template`, `kind`) are shown, and only when they look like such words:
//! masking too much costs a little clarity, masking too little a secret.

use serde_json::{Map, Number, Value};

/// Keys whose plain words are shown.
const SHOWN: [&str; 10] = [
    "category",
    "channel",
    "form",
    "kind",
    "language",
    "operation",
    "priority",
    "state",
    "template",
    "type",
];
/// The longest word that is shown.
const LONGEST_WORD: usize = 64;
/// More digits than these may be part of a phone number.
const MOST_DIGITS: usize = 4;
/// Deeper parts are left out.
const DEEPEST: usize = 32;

/// The payload with everything masked that may be a person's.
#[must_use]
pub fn masked(payload: &Value) -> Value {
    at(payload, None, 0)
}

fn at(value: &Value, key: Option<&str>, depth: usize) -> Value {
    match value {
        _ if depth > DEEPEST => Value::Null,
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => self::number(number),
        Value::String(text) if key.is_some_and(|key| SHOWN.contains(&key)) && is_word(text) => value.clone(),
        Value::String(text) => Value::String(text.chars().map(|_| '*').collect()),
        Value::Array(items) => items.iter().map(|item| at(item, key, depth + 1)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (self::key(key), at(value, Some(key), depth + 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// A key that is no word of ours may itself be a phone number or an address.
fn key(key: &str) -> String {
    if is_word(key) {
        key.to_owned()
    } else {
        key.chars().map(|_| '*').collect()
    }
}

fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= LONGEST_WORD && digits <= MOST_DIGITS && text.bytes().all(plain)
}

/// Long numbers as so many nines; short ones are counts and codes.
fn number(number: &Number) -> Value {
    let digits = number.to_string().bytes().filter(u8::is_ascii_digit).count();
    if digits <= MOST_DIGITS {
        return number.clone().into();
    }
    // A number of more than 18 digits would not fit; its length is then the longest that does.
    let nines = 10_u64.pow(u32::try_from(digits.min(18)).unwrap_or(18)) - 1;
    nines.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_persons_are_masked_and_the_form_stays() {
        let payload = json!({
            "to": {"phone": "+573001234567", "number": 573_001_234_567_u64, "contact_id": "57300"},
            "form": "template",
            "template": {"name": "order_opened", "language": "es", "parameters": ["Laura", "OT-000001"]},
            "text": "Hola, señora",
            "kind": "Laura Gómez",
            "attempt": 3, "critical": true, "about": null, "state": "573001234567",
            "+573001234567": "x",
        });
        let shown = masked(&payload);
        assert_eq!(
            shown,
            json!({
                "to": {"phone": "*************", "number": 999_999_999_999_u64, "contact_id": "*****"},
                "form": "template",
                "template": {"name": "************", "language": "es", "parameters": ["*****", "*********"]},
                "text": "************",
                "kind": "***********",
                "attempt": 3, "critical": true, "about": null, "state": "************",
                "*************": "*",
            })
        );
        let text = shown.to_string();
        for secret in ["Laura", "Hola", "57300", "OT-"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
