//! Texts from outside: cut to bounds, freed of what storage refuses, and turned into keys.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Longest text of a message that is passed on, in characters: WhatsApp's own bound.
pub(crate) const MAX_TEXT: usize = 4096;
/// Longest id, name or code of a provider that is passed on, in characters.
pub(crate) const MAX_ID: usize = 256;
/// Longest payload of a choice: forms answer with a JSON text that is longer than a button's id.
pub(crate) const MAX_PAYLOAD: usize = 16_384;
/// Longest de-duplication key; a longer one is replaced by its digest, since cutting could make two alike.
const MAX_KEY: usize = 250;

/// The first `max` characters, without NUL, which PostgreSQL stores in no text.
pub(crate) fn cut(text: &str, max: usize) -> String {
    // No more bytes than characters are allowed is the usual case, and copies at once.
    if text.len() <= max && !text.contains('\0') {
        return text.to_owned();
    }
    text.chars().filter(|c| *c != '\0').take(max).collect()
}

/// A de-duplication key: `m:wamid.X`.
pub(crate) fn key(kind: char, parts: &[&str]) -> String {
    let whole = parts.join(":").replace('\0', "");
    if whole.len() <= MAX_KEY {
        format!("{kind}:{whole}")
    } else {
        format!("{kind}:#{}", hex::encode(Sha256::digest(whole.as_bytes())))
    }
}

/// A key for what carries no id: the digest of the whole body and the place in it.
pub(crate) fn content_key(body: &[u8], at: usize) -> String {
    format!("h:{}:{at}", hex::encode(Sha256::digest(body)))
}

/// A provider's words on an error, freed of what may be personal: long runs of digits are hidden.
pub(crate) fn scrub(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text
        .chars()
        .filter(|c| *c != '\0')
        .take(MAX_ID)
        .chain(std::iter::once(' '))
    {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        // Error codes have six digits; phone numbers and account ids have more.
        out.push_str(if digits.len() > 6 { "…" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// A declared SHA-256 in hex, whether it was given in hex or base64; empty when it is neither.
pub(crate) fn hex_digest(declared: &str) -> String {
    if declared.len() == 64 && declared.bytes().all(|b| b.is_ascii_hexdigit()) {
        return declared.to_ascii_lowercase();
    }
    STANDARD
        .decode(declared)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .map(hex::encode)
        .unwrap_or_default()
}

/// Unix seconds or milliseconds as text; told apart by size, since both families occur.
pub(crate) fn instant(text: &str) -> Option<OffsetDateTime> {
    /// As seconds, this lies beyond the year 5000.
    const MILLIS_FROM: i128 = 100_000_000_000;
    let number: i128 = text.trim().parse::<i64>().ok()?.into();
    let nanos = if number.abs() >= MILLIS_FROM {
        number * 1_000_000
    } else {
        number * 1_000_000_000
    };
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

/// One line without tabs and long gaps, as template parameters must be.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many different `{{…}}` a template's text has.
pub(crate) fn placeholders(text: &str) -> usize {
    let names: BTreeSet<&str> = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.trim())
        .collect();
    names.len()
}

/// Percent-encodes a value for a path segment or a query.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// The fields of a form, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// A provider's words without the e-mail addresses in them: refusals repeat what was sent.
pub(crate) fn without_addresses(text: &str) -> String {
    text.split_whitespace()
        .map(|word| if word.contains('@') { "…" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_digits_are_hidden_in_error_texts_and_codes_stay() {
        assert_eq!(
            scrub("(#131030) 573001234567 not allowed"),
            "(#131030) … not allowed"
        );
        assert_eq!(scrub("to 573001234567"), "to …");
    }

    #[test]
    fn digests_are_read_from_hex_and_base64() {
        assert_eq!(hex_digest("4a27c8"), "");
        let whole = hex_digest("SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=");
        assert_eq!(whole.len(), 64);
        assert_eq!(hex_digest(&whole.to_uppercase()), whole);
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        assert_eq!(
            instant("1776134278").map(OffsetDateTime::unix_timestamp),
            Some(1_776_134_278)
        );
        assert_eq!(
            instant("1776134278574").map(OffsetDateTime::unix_timestamp),
            Some(1_776_134_278)
        );
        assert_eq!(instant("soon"), None);
        assert_eq!(instant(&i64::MAX.to_string()), None);
    }

    #[test]
    fn keys_that_are_too_long_become_digests_and_stay_different() {
        let long = "x".repeat(300);
        let other = format!("{long}y");
        assert_ne!(key('m', &[&long]), key('m', &[&other]));
        assert!(key('m', &[&long]).len() <= MAX_KEY);
        assert_eq!(key('s', &["wamid.1", "sent"]), "s:wamid.1:sent");
    }

    #[test]
    fn placeholders_are_counted_once_each() {
        assert_eq!(placeholders("Hola {{1}}, orden {{2}} de {{ 1 }}"), 2);
        assert_eq!(placeholders("sin {{"), 0);
    }
}
