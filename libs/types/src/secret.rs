//! Secrets that cannot be printed by accident.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A secret text. `Debug` redacts it, memory is cleared on drop, and only [`Secret::expose`] reads it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself. Never log or format the result.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secrets of one connection by name, as its provider's `provider.toml` names them.
///
/// During a rotation the former value stands beside the new one under `<name>_previous`.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    /// The current value of `name`, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// Every value that may still be presented for `name`: the current one, then the former one.
    pub fn accepted<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Secret> + use<'a> {
        [self.0.get(name), self.0.get(&format!("{name}_previous"))]
            .into_iter()
            .flatten()
    }

    /// The names present, never the values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All entries, for sealing.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret))
    }
}

impl FromIterator<(String, Secret)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, Secret)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_never_values() {
        let secrets: Secrets = [("app_secret".to_owned(), Secret::new("hunter2"))]
            .into_iter()
            .collect();
        let shown = format!("{secrets:?} {:?}", secrets.get("app_secret"));
        assert!(shown.contains("app_secret") && !shown.contains("hunter2"));
    }
}
