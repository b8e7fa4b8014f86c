//! Requests, secrets and schemes that the tests share.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use puente_types::{Secret, Secrets};
use puente_webhook_auth::{
    AuthError, Encoding, HmacScheme, RawRequest, SignedPart, TimestampRule, WebhookAuth,
};
use time::{Duration, OffsetDateTime};

/// The instant at which every request arrives.
pub(crate) const NOW: i64 = 1_776_134_278;

pub(crate) fn secrets(entries: &[(&str, &str)]) -> Secrets {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
        .collect()
}

pub(crate) fn request(headers: &[(&str, &str)], body: &[u8]) -> RawRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a header name");
        map.append(name, HeaderValue::from_str(value).expect("a header value"));
    }
    RawRequest {
        method: Method::POST,
        path: "/webhooks/x/acme".into(),
        query: String::new(),
        headers: map,
        body: Bytes::copy_from_slice(body),
    }
}

/// `sha256=<hex of the body's hash>` in `header`.
pub(crate) fn body_hmac(header: &str) -> WebhookAuth {
    WebhookAuth::Hmac(HmacScheme {
        header: header.into(),
        prefix: "sha256=".into(),
        encoding: Encoding::Hex,
        secret: "secret".into(),
        signed: SignedPart::Body,
    })
}

/// The scheme of a proxy that signs time and body.
pub(crate) fn timestamp_hmac() -> WebhookAuth {
    WebhookAuth::Hmac(HmacScheme {
        header: "x-puente-signature".into(),
        prefix: "v1=".into(),
        encoding: Encoding::Hex,
        secret: "secret".into(),
        signed: SignedPart::TimestampDotBody(TimestampRule {
            header: "x-puente-timestamp".into(),
            tolerance: Duration::seconds(300),
        }),
    })
}

/// Verifies at [`NOW`] moved by `offset` seconds.
pub(crate) fn check_at(
    auth: &WebhookAuth,
    request: RawRequest,
    secrets: &Secrets,
    offset: i64,
) -> Result<(), AuthError> {
    let now = OffsetDateTime::from_unix_timestamp(NOW + offset).expect("a time");
    let before = request.clone();
    match auth.verify(request, secrets, now) {
        Ok(verified) => {
            assert_eq!(verified.request().body, before.body);
            Ok(())
        }
        Err(refused) => {
            let (back, error) = *refused;
            assert_eq!(back.body, before.body, "a refused request comes back untouched");
            Err(error)
        }
    }
}

pub(crate) fn check(auth: &WebhookAuth, request: RawRequest, secrets: &Secrets) -> Result<(), AuthError> {
    check_at(auth, request, secrets, 0)
}
