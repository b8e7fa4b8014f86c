//! `provider.toml`: what is plain about a provider, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a provider's `provider.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its slug: the folder's name, and the word in webhook URLs.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// `INT-NNN`, its page in the inventory.
    pub code: String,
    /// `implemented`, `documented` or `pending`.
    pub state: String,
    /// What it can do: `webhook`, `message` …
    pub capabilities: Vec<String>,
    /// The service that owns its tokens and quotas.
    pub owner: String,
    /// What happens when it is down, in one sentence.
    pub fallback: String,
    /// URLs by name; a setting of the same name in a connection wins.
    pub urls: BTreeMap<String, String>,
    /// The longest a call may take, in milliseconds.
    pub timeout_ms: u64,
    /// The longest that the provider goes on redelivering a webhook, in hours: so long are duplicate keys kept.
    pub redelivery_hours: u32,
    /// The largest webhook body it sends, in bytes.
    pub max_body_bytes: usize,
    /// Secrets of a connection.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    /// Settings of a connection.
    #[serde(default)]
    pub settings: Vec<SettingSpec>,
    /// Calls allowed per connection in any rolling window.
    #[serde(default)]
    pub quotas: Vec<Quota>,
    /// What its error codes mean; the first rule that fits decides.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
}

/// A secret of a connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// Its name in connections.
    pub name: String,
    /// Its environment variable, `{PROVIDER}_{TYPE}`.
    pub env: String,
    /// What it is.
    pub about: String,
    /// Whether a connection is refused without it.
    #[serde(default)]
    pub required: bool,
}

/// A setting of a connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    /// Its name in connections.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Whether a connection is refused without it.
    #[serde(default)]
    pub required: bool,
    /// What holds when it is not given.
    #[serde(default)]
    pub default: Option<String>,
}

/// Calls allowed in any rolling window.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name, unique in the provider: `per_second`.
    pub name: String,
    /// How many calls.
    pub limit: u32,
    /// In how many milliseconds.
    pub window_ms: u64,
}

/// What an error code or status means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// The provider's codes that it covers; empty for any.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The HTTP statuses that it covers; empty for any. `5` means 500 to 599.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// `rejected`, `auth`, `configuration`, `rate_limited`, `unavailable` or `outcome_unknown`.
    pub kind: String,
    /// How long to wait, in milliseconds, where the provider's documentation says so.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
}

/// A `provider.toml` that is not right.
#[derive(Debug, thiserror::Error)]
#[error("provider.toml of `{provider}`: {reason}")]
pub struct ManifestError {
    provider: String,
    reason: String,
}

impl Manifest {
    /// Reads and checks a `provider.toml`.
    ///
    /// # Errors
    /// Says which provider's file is wrong, and where.
    pub fn parse(provider: &str, text: &str) -> Result<Self, ManifestError> {
        let error = |reason: String| ManifestError {
            provider: provider.to_owned(),
            reason,
        };
        let manifest: Self = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        if manifest.slug != provider {
            return Err(error(format!("its slug is `{}`", manifest.slug)));
        }
        for rule in &manifest.errors {
            if rule.error_kind().is_none() {
                return Err(error(format!("unknown error kind `{}`", rule.kind)));
            }
        }
        Ok(manifest)
    }
}

impl ErrorRule {
    /// The kind as a type; `None` for a word that is none.
    #[must_use]
    pub fn error_kind(&self) -> Option<crate::ProviderErrorKind> {
        use crate::ProviderErrorKind as Kind;
        let retry_after = self.retry_after_ms.map(std::time::Duration::from_millis);
        Some(match self.kind.as_str() {
            "rejected" => Kind::Rejected,
            "auth" => Kind::Auth,
            "configuration" => Kind::Configuration,
            "rate_limited" => Kind::RateLimited { retry_after },
            "unavailable" => Kind::Unavailable { retry_after },
            "outcome_unknown" => Kind::OutcomeUnknown,
            _ => return None,
        })
    }

    /// Whether the rule covers this answer.
    #[must_use]
    pub fn fits(&self, status: u16, code: Option<&str>) -> bool {
        let status_fits =
            self.statuses.is_empty() || self.statuses.iter().any(|s| *s == status || *s == status / 100);
        let code_fits =
            self.codes.is_empty() || code.is_some_and(|code| self.codes.iter().any(|c| c == code));
        status_fits && code_fits
    }
}
