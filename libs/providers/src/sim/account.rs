//! The accounts that a simulator knows: without one, every credential is refused.

use std::collections::BTreeMap;

use puente_types::Secret;
use serde::Deserialize;

/// One tenant's account at a vendor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Its id at the vendor: a phone number id, a bot id.
    pub account: String,
    /// The tenant, for the journal.
    pub tenant: Option<String>,
    /// Credentials and signing secrets, named as in `provider.toml`.
    pub secrets: BTreeMap<String, Secret>,
    /// Settings, named as in `provider.toml`, and the simulator's own.
    pub settings: BTreeMap<String, String>,
    /// Where its webhooks go.
    pub webhook_url: Option<String>,
    /// Messages per second; the vendor's own limit when absent, no limit when 0.
    pub rate_per_second: Option<u32>,
    /// Refuses free text to people who have not written within 24 hours.
    pub enforce_session: bool,
    /// Refuses more than one message in 6 seconds to the same person.
    pub enforce_pair_rate: bool,
    /// Its templates; any template is taken when there are none.
    pub templates: Vec<Template>,
    /// How it reports on sent messages.
    pub callbacks: Callbacks,
    /// People whose messages are taken and then fail, with the vendor's code.
    pub failing: BTreeMap<String, String>,
}

/// A template of an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Its state; only `APPROVED` ones can be sent.
    #[serde(default = "approved")]
    pub status: String,
    /// Its category.
    #[serde(default = "utility")]
    pub category: String,
    /// Its text with `{{1}}` and so on.
    pub body: String,
}

/// How an account reports on sent messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callbacks {
    /// The states reported, in order; empty for none.
    pub states: Vec<String>,
    /// How often each is repeated.
    pub duplicate: u32,
    /// Reports them in reverse order.
    pub out_of_order: bool,
    /// States that are not reported.
    pub drop: Vec<String>,
    /// Wait before each, in milliseconds.
    pub delay_ms: u64,
}

impl Default for Callbacks {
    fn default() -> Self {
        let states = ["sent", "delivered", "read"].map(str::to_owned).to_vec();
        Self {
            states,
            duplicate: 0,
            out_of_order: false,
            drop: Vec::new(),
            delay_ms: 0,
        }
    }
}

impl Account {
    /// An account without credentials.
    #[must_use]
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            ..Self::default()
        }
    }

    /// With a secret.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), Secret::new(value));
        self
    }

    /// With a setting.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A setting, or what holds without it.
    #[must_use]
    pub fn setting<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.settings.get(name).map_or(default, String::as_str)
    }

    /// Whether a presented text equals a secret of the account.
    #[must_use]
    pub fn holds(&self, secret: &str, given: &str) -> bool {
        self.secrets
            .get(secret)
            .is_some_and(|secret| secret.expose() == given)
    }

    /// The template of a name and language.
    #[must_use]
    pub fn template(&self, name: &str, language: &str) -> Option<&Template> {
        self.templates
            .iter()
            .find(|template| template.name == name && template.language == language)
    }
}

fn approved() -> String {
    "APPROVED".to_owned()
}

fn utility() -> String {
    "UTILITY".to_owned()
}
