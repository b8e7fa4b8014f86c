//! Fields of outside JSON that may be of another type than documented.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde_json::value::RawValue;

/// A text that some versions of a provider write as a number. Holds no NUL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

/// A number that some versions of a provider write as a text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Num(pub(crate) f64);

/// Reads a field, or takes its default when it has another form than documented: one odd field must not cost the rest.
/// It looks at the field where it stands, so the JSON must lie in memory (`from_slice`, `from_str`).
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// Declares structs that are read with every field optional and lenient: what has another form is taken for absent.
macro_rules! lenient_structs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default)]
        pub(super) struct $name { $($(#[$attr])* #[serde(deserialize_with = "crate::kit::lenient")] pub(super) $field: $type),+ }
    )+};
}
pub(crate) use lenient_structs;

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }
    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        // PostgreSQL stores no NUL; taken out here, so that an id of nothing else counts as absent.
        Ok(Text(text.replace('\0', "")))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let number = text.trim().parse::<f64>().map_err(serde::de::Error::custom)?;
        if number.is_finite() {
            Ok(Self(number))
        } else {
            Err(serde::de::Error::custom("not a finite number"))
        }
    }
}
