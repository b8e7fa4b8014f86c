//! Finds adapters by slug or capability, and reads their manifests.

use bytes::Bytes;
use http::{HeaderMap, Method};
use puente_ports::{InboundEvent, Manifest, Provider, ProviderError};
use puente_types::Secrets;
use puente_webhook_auth::{RawRequest, WebhookAuth};
use time::OffsetDateTime;

use crate::TABLE;

/// The adapter of a provider; `None` when there is none of that slug.
#[must_use]
pub fn find(slug: &str) -> Option<&'static dyn Provider> {
    TABLE
        .iter()
        .find(|(name, _)| *name == slug)
        .map(|(_, provider)| *provider)
}

/// Every adapter, sorted by slug.
pub fn all() -> impl Iterator<Item = &'static dyn Provider> {
    TABLE.iter().map(|(_, provider)| *provider)
}

/// The adapters whose manifest names a capability: `webhook`, `message`.
pub fn with_capability(capability: &str) -> impl Iterator<Item = &'static dyn Provider> {
    all().filter(move |provider| provider.manifest().capabilities.iter().any(|c| c == capability))
}

/// Translates a body as if it had been authentic; for fuzz targets and property tests, which look for panics.
///
/// # Errors
/// As [`puente_ports::InboundWebhook::translate`]; `Configuration` for a slug without webhooks.
pub fn fuzz_translate(slug: &str, body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let webhook = find(slug)
        .and_then(Provider::webhook)
        .ok_or_else(|| ProviderError::configuration("no_webhook", "no provider of this slug has webhooks"))?;
    let request = RawRequest {
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
    };
    let open = WebhookAuth::Unsigned {
        reason: "only the translation is under test",
    };
    match open.verify(request, &Secrets::default(), OffsetDateTime::UNIX_EPOCH) {
        Ok(verified) => webhook.translate(&verified),
        Err(refused) => Err(ProviderError::malformed(refused.1.to_string())),
    }
}

/// Reads a compiled-in `provider.toml`, once per provider.
///
/// A broken file ends the process with its reason at first use instead of running with half a manifest. It cannot
/// reach a release: the conformance tests read every manifest of the registry.
#[expect(
    clippy::panic,
    reason = "the file is part of the program, and a test reads every one"
)]
pub(crate) fn manifest(slug: &str, text: &str) -> Manifest {
    Manifest::parse(slug, text).unwrap_or_else(|error| panic!("{error}"))
}
