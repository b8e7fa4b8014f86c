//! What is shown of a stored request: names as they are, values of secrets covered.
//!
//! A header or parameter is secret when its name sounds like it, or when a connection of the address authenticates with
//! it, whatever it is called.

use std::collections::HashSet;

use puente_webhook_auth::{TokenSource, WebhookAuth};

use crate::application::{App, Candidates};

/// What stands in place of a secret.
const COVER: &str = "[masked]";
/// Parts of names that secrets have.
const SECRET_WORDS: &[&str] = &[
    "auth",
    "cookie",
    "token",
    "signature",
    "secret",
    "password",
    "credential",
    "session",
    "apikey",
    "api-key",
    "api_key",
    "hmac",
    "sha256",
];

/// Names, in lower case, that the connections of an address authenticate with.
#[derive(Debug, Default)]
pub(crate) struct Proofs(HashSet<String>);

impl Proofs {
    /// Those of the connections that an address is for.
    #[must_use]
    pub(crate) fn of(candidates: &Candidates) -> Self {
        let mut names = HashSet::new();
        if let Some(webhook) = candidates.provider.webhook() {
            for connection in candidates.apps.iter().flat_map(App::connections) {
                collect(&webhook.auth(connection), &mut names);
            }
        }
        Self(names)
    }

    /// The value to show for a header.
    #[must_use]
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        if self.is_secret(name) { COVER } else { value }.to_owned()
    }

    /// A query string to show.
    #[must_use]
    pub(crate) fn query(&self, query: &str) -> String {
        let shown: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                // An escaped name could be anything.
                Some((name, _)) if name.contains('%') || self.is_secret(name) => format!("{name}={COVER}"),
                _ => pair.to_owned(),
            })
            .collect();
        shown.join("&")
    }

    fn is_secret(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.0.contains(&name)
            || name == "key"
            || name.ends_with("-key")
            || SECRET_WORDS.iter().any(|word| name.contains(word))
    }
}

fn collect(auth: &WebhookAuth, names: &mut HashSet<String>) {
    match auth {
        WebhookAuth::Hmac(scheme) => {
            names.insert(scheme.header.to_ascii_lowercase());
        }
        WebhookAuth::NumberedHmac(scheme) => {
            names.extend(
                (1..=scheme.most).map(|number| format!("{}{number}", scheme.header.to_ascii_lowercase())),
            );
        }
        WebhookAuth::SharedToken(scheme) => {
            let (TokenSource::Header(name) | TokenSource::Query(name)) = &scheme.source;
            names.insert(name.to_ascii_lowercase());
        }
        WebhookAuth::AnyOf(all) | WebhookAuth::AllOf(all) => all.iter().for_each(|one| collect(one, names)),
        WebhookAuth::Custom(_) | WebhookAuth::Unsigned { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_covered_by_what_they_are_called_and_by_what_they_are_used_for() {
        let proofs = Proofs(HashSet::from(["x-puerta".to_owned()]));
        for name in [
            "authorization",
            "x-hub-signature-256",
            "Cookie",
            "X-Puerta",
            "x-api-key",
        ] {
            assert_eq!(proofs.header(name, "s3cret"), COVER, "{name}");
        }
        assert_eq!(
            proofs.header("content-type", "application/json"),
            "application/json"
        );
        assert_eq!(
            proofs.query("page=2&hub.verify_token=abc&tok%65n=x&flag&x-puerta=1"),
            "page=2&hub.verify_token=[masked]&tok%65n=[masked]&flag&x-puerta=[masked]"
        );
        assert_eq!(proofs.query(""), "");
    }
}
