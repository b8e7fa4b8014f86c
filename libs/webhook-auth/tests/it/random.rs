//! Whatever strangers send, nothing panics and nothing passes.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use puente_webhook_auth::{
    Encoding, HmacScheme, NumberedHmac, RawRequest, SignedPart, TokenScheme, TokenSource, WebhookAuth,
};
use time::OffsetDateTime;

use crate::support::{NOW, body_hmac, secrets, timestamp_hmac};

const SECRET: &str = "b3fc1e2a-77aa-4d2f-9d4b-ff20c7a1e9d4";

fn schemes() -> Vec<WebhookAuth> {
    let token = |source| {
        WebhookAuth::SharedToken(TokenScheme {
            source,
            prefix: "Bearer ".into(),
            secret: "secret".into(),
        })
    };
    let simple = vec![
        body_hmac("x-hub-signature-256"),
        timestamp_hmac(),
        WebhookAuth::Hmac(HmacScheme {
            header: "x-signature".into(),
            prefix: String::new(),
            encoding: Encoding::Base64,
            secret: "secret".into(),
            signed: SignedPart::Body,
        }),
        WebhookAuth::NumberedHmac(NumberedHmac {
            header: "x-signature-".into(),
            most: 3,
            encoding: Encoding::Base64,
            secret: "secret".into(),
        }),
        token(TokenSource::Header("authorization".into())),
        token(TokenSource::Query("token".into())),
    ];
    let mut all = simple.clone();
    all.push(WebhookAuth::AnyOf(simple.clone()));
    all.push(WebhookAuth::AllOf(simple));
    all
}

/// Values that come close to the form of a proof, and plain noise.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..120),
        "sha256=[0-9a-fA-F]{0,66}".prop_map(String::into_bytes),
        "v1=[0-9a-f]{64}".prop_map(String::into_bytes),
        "[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes),
        "Bearer .{0,40}".prop_map(String::into_bytes),
        (NOW - 400..NOW + 400).prop_map(|t| t.to_string().into_bytes()),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "x-hub-signature-256",
        "x-puente-signature",
        "x-puente-timestamp",
        "x-signature",
        "x-signature-1",
        "x-signature-3",
        "authorization",
        "cookie",
    ]);
    proptest::collection::vec((name, value()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_requests_never_panic_and_never_verify(
        headers in headers(),
        query in "(token=)?[ -~]{0,60}|(%[0-9a-zA-Z+]{0,2}|&|=|token|\\PC){0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..300),
        now in prop_oneof![Just(NOW), -300_000_000_000_i64..250_000_000_000],
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in &headers {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                map.append(HeaderName::from_static(name), value);
            }
        }
        let request = RawRequest {
            method: Method::POST,
            path: "/".into(),
            query,
            headers: map,
            body: Bytes::from(body),
        };
        let secrets = secrets(&[("secret", SECRET)]);
        let now = OffsetDateTime::from_unix_timestamp(now).expect("inside the calendar");
        for auth in schemes() {
            prop_assert!(auth.verify(request.clone(), &secrets, now).is_err(), "{auth:?}");
        }
    }
}
