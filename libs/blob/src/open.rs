//! From settings to what they mean, with everything unsafe refused.

use url::Url;

use crate::link::Signer;
use crate::{OpenError, StorageSettings};

/// The signer of links to the gateway.
pub(crate) fn links(settings: &StorageSettings) -> Result<Signer, OpenError> {
    let base = address("public_url", &settings.public_url)?;
    if base.scheme() == "http" && !is_this_machine(&base) {
        return Err(OpenError::Insecure("public_url"));
    }
    let key = settings.link_key.as_ref().ok_or(OpenError::Missing("link_key"))?;
    Signer::new(base.as_str(), key)
}

/// The account that Azurite comes with.
const EMULATED: &str = "devstoreaccount1";

/// The address of a store in Azure: with TLS, or Azurite without. The setting that allows the latter is refused for
/// anything else, so that it cannot be left in by mistake.
pub(crate) fn azure_address(settings: &StorageSettings, account: &str) -> Result<Url, OpenError> {
    const KEY: &str = "endpoint";
    let url = address(KEY, &settings.endpoint)?;
    let plain = url.scheme() == "http";
    let emulated = account == EMULATED || is_this_machine(&url);
    match (plain, settings.insecure_http) {
        (false, false) => Ok(url),
        (true, true) if emulated => Ok(url),
        (true, _) => Err(OpenError::Insecure(KEY)),
        (false, true) => Err(only_azurite()),
    }
}

/// The address of a store that speaks S3: with TLS, or on this machine.
#[cfg(feature = "s3")]
pub(crate) fn s3_address(settings: &StorageSettings) -> Result<Url, OpenError> {
    let url = address("endpoint", &settings.endpoint)?;
    match (url.scheme() == "http", settings.insecure_http) {
        (false, false) => Ok(url),
        (true, true) if is_this_machine(&url) => Ok(url),
        (true, _) => Err(OpenError::Insecure("endpoint")),
        (false, true) => Err(only_azurite()),
    }
}

/// The setting for Azurite stands where there is no Azurite.
pub(crate) fn only_azurite() -> OpenError {
    OpenError::Invalid {
        key: "insecure_http",
        what: "is for an endpoint without TLS only",
    }
}

/// What stands before a container's name must leave it one.
pub(crate) fn prefix(text: &str) -> Result<(), OpenError> {
    let fits = text.len() <= 40
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.contains("--");
    let what = "must be up to 40 characters of a-z, 0-9 and single hyphens within";
    fits.then_some(())
        .ok_or(OpenError::Invalid { key: "prefix", what })
}

/// Reads an address without credentials, query and fragment.
fn address(key: &'static str, text: &str) -> Result<Url, OpenError> {
    let what = "is no address";
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.ok_or(OpenError::Invalid { key, what })
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
