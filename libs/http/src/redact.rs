//! What of a call may be seen: its host and the shape of its path.
//!
//! Queries and fragments are never shown. A path segment is shown only when it looks like a word of the API; what
//! could be an id, a phone number, an address or a token becomes `*`. Masking too much costs a little clarity,
//! masking too little a secret.

use http::HeaderMap;
use reqwest::Url;

/// The longest segment that is shown.
const LONGEST_WORD: usize = 32;
/// More digits than these make an id, except in a version: `oauth2` and `v23.0` are words, `a1b2c3` is none.
const MOST_DIGITS: usize = 2;
/// What stands in the place of a masked part.
const MASK: &str = "*";
/// Headers that carry credentials, in any direction.
const SECRET_HEADERS: [&str; 16] = [
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "set-cookie",
    "token",
    "x-api-key",
    "x-auth-token",
    "x-goog-api-key",
    "x-hub-signature-256",
    "x-jelou-signature",
    "x-puente-signature",
    "x-token",
    "x-webhook-secret",
];
/// Query parameters that carry credentials.
const SECRET_PARAMETERS: [&str; 10] = [
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "client_secret",
    "key",
    "password",
    "secret",
    "sig",
    "token",
];

/// A path with everything masked that is no word of the API: `/v1/bots/*/messages`.
#[must_use]
pub fn path_template(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let shown: Vec<&str> = path
        .split('/')
        .map(|part| {
            if part.is_empty() || is_word(part) {
                part
            } else {
                MASK
            }
        })
        .collect();
    shown.join("/")
}

fn is_word(segment: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let starts = segment.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let word = starts && digits <= MOST_DIGITS && segment.len() <= LONGEST_WORD && !is_mixed(segment);
    segment.bytes().all(plain) && (word || is_version(segment) || is_date(segment))
}

/// `v1`, `v23.0`.
fn is_version(segment: &str) -> bool {
    segment.len() <= 8
        && segment
            .strip_prefix('v')
            .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Capitals that do not begin words, or that stand beside digits, as in random tokens: `aB3xQz`.
fn is_mixed(segment: &str) -> bool {
    let capitals = segment.bytes().filter(u8::is_ascii_uppercase).count();
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    capitals > 4 || (capitals > 0 && digits > 1)
}

/// An API version of the form `2010-04-01`.
fn is_date(segment: &str) -> bool {
    let parts: Vec<&str> = segment.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a header carries a credential.
pub(crate) fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.contains(&name)
}

/// Marks header values so that no library between here and the socket prints or indexes them.
pub(crate) fn hide(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if !matches!(name.as_str(), "accept" | "content-type" | "user-agent") {
            value.set_sensitive(true);
        }
    }
}

/// A URL without the values of its secret parameters, for recordings.
pub(crate) fn without_secrets(url: &Url) -> String {
    if url.query().is_none() {
        return url.to_string();
    }
    let mut shown = url.clone();
    shown
        .query_pairs_mut()
        .clear()
        .extend_pairs(url.query_pairs().map(|(name, value)| {
            let secret = SECRET_PARAMETERS.contains(&name.to_lowercase().as_str());
            (name, if secret { MASK.into() } else { value })
        }));
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_apis_are_shown_and_ids_are_not() {
        for (path, shown) in [
            ("/v23.0/106540352242922/messages", "/v23.0/*/messages"),
            ("/v1/bots/7f3a9b1c2d4e/messages", "/v1/bots/*/messages"),
            ("/v2/whatsapp/12/hsm", "/v2/whatsapp/*/hsm"),
            (
                "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                "/2010-04-01/Accounts/*/Messages.json",
            ),
            ("/wa/api/v1/template/msg", "/wa/api/v1/template/msg"),
            ("/chat/send/text", "/chat/send/text"),
            ("/users/ana%40example.com/x", "/users/*/x"),
            ("/users/ana@example.com", "/users/*"),
            ("/calls/+573001234567", "/calls/*"),
            ("/checkout/links/cs_test_a1B2c3D4", "/checkout/links/*"),
            ("/hooks/QmFzZTY0VG9rZW4", "/hooks/*"),
            ("/0193b0f4-8e5f-7cc0-9d55-0a1b2c3d4e5f", "/*"),
            ("/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send", "/*/send"),
            ("/x/thisisaverylongsegmentthatcouldbeatoken", "/x/*"),
            ("/", "/"),
            ("", ""),
            ("/hooks/a1b2c3d4/in", "/hooks/*/in"),
            ("/oauth2/v2.0/token", "/oauth2/v2.0/token"),
            ("/a//b/", "/a//b/"),
            ("/v1/messages?token=hunter2#frag", "/v1/messages"),
        ] {
            assert_eq!(path_template(path), shown);
        }
    }

    #[test]
    fn recorded_urls_keep_their_parameters_but_no_secret() {
        let url =
            Url::parse("https://h.example/a?fields=id,name&access_token=hunter2&Key=hunter2&x=1").unwrap();
        let shown = without_secrets(&url);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("fields=id%2Cname") && shown.ends_with("x=1"),
            "{shown}"
        );
    }

    #[test]
    fn idempotency_keys_are_no_secret() {
        assert!(!is_secret_header("idempotency-key") && is_secret_header("authorization"));
    }
}
