//! How Jelou's webhooks prove where they come from. One scheme suffices; those without a secret are not in use.

use puente_ports::{Connection, Manifest};
use puente_types::Secrets;
use puente_webhook_auth::{
    AuthError, Encoding, HmacScheme, RawRequest, SignedPart, TimestampRule, TokenScheme, TokenSource,
    WebhookAuth,
};
use time::{Duration, OffsetDateTime};

use super::wire;
use crate::kit::{instant, setting};

/// How old a signed support message may be (ASSUMED): Jelou signs no time of its own, but dates these messages.
const MAX_AGE: Duration = Duration::minutes(15);
/// Used where the setting is no sane number of seconds.
const DEFAULT_TOLERANCE: Duration = Duration::seconds(300);

/// The schemes that a connection accepts.
pub(super) fn schemes(manifest: &'static Manifest, connection: &Connection) -> WebhookAuth {
    let value = |name: &str| setting(manifest, connection, name).unwrap_or_default().to_owned();
    let token = |name: &str, secret: &str| {
        // The secret holds the whole header value: `Bearer …`, `Basic …` or a bare key.
        let source = TokenSource::Header(value(name));
        WebhookAuth::SharedToken(TokenScheme {
            source,
            prefix: String::new(),
            secret: secret.into(),
        })
    };
    let mut signed = vec![WebhookAuth::Hmac(HmacScheme {
        header: value("signature_header"),
        prefix: value("signature_prefix"),
        encoding: if value("signature_encoding") == "base64" {
            Encoding::Base64
        } else {
            Encoding::Hex
        },
        secret: "signing_secret".into(),
        signed: SignedPart::Body,
    })];
    if value("stale_support_messages") != "accept" {
        signed.push(WebhookAuth::Custom(fresh));
    }
    if connection.secrets.get("channel_credential").is_some() {
        signed.push(token("channel_credential_header", "channel_credential"));
    }
    let tolerance = value("proxy_tolerance_seconds")
        .parse()
        .ok()
        .filter(|s| (1..=3600).contains(s));
    let proxy = WebhookAuth::Hmac(HmacScheme {
        header: value("proxy_signature_header"),
        prefix: "v1=".into(),
        encoding: Encoding::Hex,
        secret: "proxy_secret".into(),
        signed: SignedPart::TimestampDotBody(TimestampRule {
            header: value("proxy_timestamp_header"),
            tolerance: tolerance.map_or(DEFAULT_TOLERANCE, Duration::seconds),
        }),
    });
    // The last refusal is the one that operators read, so the scheme of Jelou's own stands last.
    WebhookAuth::AnyOf(vec![
        token("credential_header", "endpoint_credential"),
        proxy,
        WebhookAuth::AllOf(signed),
    ])
}

/// Refuses a support message whose own time is too far from now. Bodies without one pass: de-duplication guards them.
fn fresh(request: &RawRequest, _secrets: &Secrets, now: OffsetDateTime) -> Result<(), AuthError> {
    let body: wire::Body = serde_json::from_slice(&request.body).unwrap_or_default();
    if body.object.as_str() != "message_event" {
        return Ok(());
    }
    match instant(&body.timestamp) {
        Some(at) if (now - at).abs() > MAX_AGE => Err(AuthError::Stale),
        _ => Ok(()),
    }
}
