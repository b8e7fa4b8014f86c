//! Webhooks that simulators make: built apart from sending, so that load generators can send them themselves.

use bytes::Bytes;
use serde::Deserialize;

/// A person writes. Fields that a kind has no use for are passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbound {
    /// The account that is written to.
    pub account: String,
    /// The person's WhatsApp id or phone digits.
    pub from: String,
    /// The name of the profile.
    #[serde(default)]
    pub name: String,
    /// The vendor's word for the kind; `text` when absent.
    #[serde(default = "text")]
    pub kind: String,
    /// The text, caption or title.
    #[serde(default)]
    pub text: String,
    /// A choice's payload, a media id, or `latitude,longitude`.
    #[serde(default)]
    pub payload: String,
    /// The vendor's id of the message that is answered.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// The vendor's id of this message; made up when absent.
    #[serde(default)]
    pub id: Option<String>,
}

/// A webhook, built and signed.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where it goes.
    pub url: String,
    /// Its headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

/// Why a simulator cannot do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimError {
    /// No simulator has this slug.
    NoProvider,
    /// The simulator knows no such account.
    NoAccount,
    /// The account has no URL for webhooks.
    NoWebhookUrl,
    /// The account has no secret of this name.
    NoSecret(&'static str),
    /// The webhook could not be sent.
    Unreachable,
    /// The vendor carries no messages of people.
    NoMessages,
}

impl Inbound {
    /// A plain text.
    #[must_use]
    pub fn text(account: &str, from: &str, text: &str) -> Self {
        Self {
            account: account.to_owned(),
            from: from.to_owned(),
            name: String::new(),
            kind: self::text(),
            text: text.to_owned(),
            payload: String::new(),
            reply_to: None,
            id: None,
        }
    }

    /// A picture with a caption, whose bytes [`Hub::put_media`](crate::sim::Hub::put_media) keeps under `media`.
    #[must_use]
    pub fn image(account: &str, from: &str, media: &str, caption: &str) -> Self {
        Self {
            kind: "image".to_owned(),
            payload: media.to_owned(),
            ..Self::text(account, from, caption)
        }
    }
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoProvider => f.write_str("no simulator has this slug"),
            Self::NoAccount => f.write_str("the simulator knows no such account"),
            Self::NoWebhookUrl => f.write_str("the account has no URL for webhooks"),
            Self::NoSecret(name) => write!(f, "the account has no secret `{name}`"),
            Self::NoMessages => f.write_str("the vendor carries no messages of people"),
            Self::Unreachable => f.write_str("the webhook's URL could not be reached"),
        }
    }
}

impl std::error::Error for SimError {}

fn text() -> String {
    "text".to_owned()
}
