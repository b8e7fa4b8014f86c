//! Webhooks: bodies, queries and signature headers, as anybody on the internet can send them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use puente_types::{Secret, Secrets};
use puente_webhook_auth::{
    Encoding, HmacScheme, RawRequest, SignedPart, TimestampRule, TokenScheme, TokenSource, WebhookAuth,
};
use time::{Duration, OffsetDateTime};

/// A key of the provider names one happening; what is longer would be the sender's text, not a key.
const LONGEST_KEY: usize = 1024;
/// PostgreSQL takes no text that holds it.
const NUL: char = '\0';

/// Whatever an adapter is sent: the same bytes give the same events, and every event can be told from others. Each
/// input goes to every adapter of the registry, so that a new one is under test without a line here.
pub(crate) fn translate(bytes: &[u8]) {
    for provider in puente_providers::with_capability("webhook") {
        let slug = &provider.manifest().slug;
        let Ok(events) = puente_providers::fuzz_translate(slug, bytes) else {
            continue;
        };
        assert_eq!(
            puente_providers::fuzz_translate(slug, bytes).ok().as_ref(),
            Some(&events)
        );
        for event in events {
            let key = &event.dedupe_key;
            assert!(
                (1..=LONGEST_KEY).contains(&key.len()) && !key.contains(NUL),
                "{slug}: {key:?}"
            );
        }
    }
}

/// A value that was encoded is found as it was; broken queries give nothing.
pub(crate) fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    for name in ["hub.challenge", "hub.verify_token", "token", ""] {
        let _ = request(text.clone(), HeaderMap::new(), b"").query_value(name);
    }
    let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let found =
        request(format!("first=1&token={encoded}&token=x"), HeaderMap::new(), b"").query_value("token");
    assert_eq!(found, String::from_utf8(bytes.to_vec()).ok());
}

/// Nobody without the key is let in: the first line is what is presented, the rest is the body.
pub(crate) fn signature(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (given, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    for name in ["x-signature", "x-timestamp", "authorization"] {
        let Ok(value) = HeaderValue::from_bytes(given) else {
            return;
        };
        headers.insert(name, value);
    }
    let query = format!("token={}", String::from_utf8_lossy(given));
    let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
    for auth in schemes() {
        let outcome = auth.verify(request(query.clone(), headers.clone(), body), &secrets(), now);
        assert!(outcome.is_err(), "let in by {auth:?}");
    }
}

fn schemes() -> Vec<WebhookAuth> {
    let hmac = |prefix: &str, encoding, signed| {
        let (header, prefix) = ("x-signature".to_owned(), prefix.to_owned());
        WebhookAuth::Hmac(HmacScheme {
            header,
            prefix,
            encoding,
            secret: "key".to_owned(),
            signed,
        })
    };
    let stamped = || {
        SignedPart::TimestampDotBody(TimestampRule {
            header: "x-timestamp".to_owned(),
            tolerance: Duration::minutes(5),
        })
    };
    let token = |source, prefix: &str| {
        WebhookAuth::SharedToken(TokenScheme {
            source,
            prefix: prefix.to_owned(),
            secret: "key".to_owned(),
        })
    };
    vec![
        hmac("sha256=", Encoding::Hex, SignedPart::Body),
        hmac("", Encoding::Base64, SignedPart::Body),
        hmac("v1=", Encoding::Hex, stamped()),
        token(TokenSource::Header("authorization".to_owned()), "Bearer "),
        token(TokenSource::Query("token".to_owned()), ""),
    ]
}

fn secrets() -> Secrets {
    [(
        "key".to_owned(),
        Secret::new("a key that no corpus file and no fuzzer knows: 7f3c9e51"),
    )]
    .into_iter()
    .collect()
}

fn request(query: String, headers: HeaderMap, body: &[u8]) -> RawRequest {
    RawRequest {
        method: Method::POST,
        path: "/webhooks/x".to_owned(),
        query,
        headers,
        body: Bytes::copy_from_slice(body),
    }
}
