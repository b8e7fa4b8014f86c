//! A tenant's opened connection to a provider.

use puente_types::{ConnectionId, Secret, Secrets, TenantId};

use crate::ProviderError;

/// A connection with its secrets opened; lives in memory only.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The account's id at the provider, by which webhooks of many tenants behind one URL are told apart.
    pub account: Option<String>,
    /// Settings as `provider.toml` names them: base URL, bot id, header names …
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Secrets as `provider.toml` names them.
    pub secrets: Secrets,
}

impl Connection {
    /// A setting as text.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(serde_json::Value::as_str)
    }

    /// Whether a setting is on. Files of connections write truth values as texts.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        match self.settings.get(name) {
            Some(serde_json::Value::Bool(on)) => *on,
            Some(serde_json::Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// Whether it is the one to take where a tenant has several: `default = true`.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_on("default")
    }

    /// A setting that the call cannot do without.
    ///
    /// # Errors
    /// A configuration error that names the setting.
    pub fn require(&self, name: &str) -> Result<&str, ProviderError> {
        self.setting(name).ok_or_else(|| {
            ProviderError::configuration(
                "setting_missing",
                format!("connection {} has no setting `{name}`", self.id),
            )
        })
    }

    /// A secret that the call cannot do without.
    ///
    /// # Errors
    /// A configuration error that names the secret.
    pub fn require_secret(&self, name: &str) -> Result<&Secret, ProviderError> {
        self.secrets.get(name).ok_or_else(|| {
            ProviderError::configuration(
                "secret_missing",
                format!("connection {} has no secret `{name}`", self.id),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_setting_is_on_as_a_truth_value_and_as_the_text_of_one() {
        let with = |value: Value| Connection {
            id: "acme-1".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            provider: "docusign".to_owned(),
            account: None,
            settings: serde_json::Map::from_iter([("default".to_owned(), value)]),
            secrets: Secrets::default(),
        };
        for on in [json!(true), json!("true")] {
            assert!(with(on).is_default());
        }
        for off in [json!(false), json!("false"), json!("yes"), json!(1), Value::Null] {
            assert!(!with(off).is_default());
        }
    }
}
