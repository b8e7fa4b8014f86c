//! The address of a key: `https://{vault}/keys/{name}[/{version}]`, which is also what the vault calls its `kid`.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use puente_ports::ProviderError;

/// Where vaults of the public cloud get their tokens from; simulators have no domain of their own.
const PUBLIC_CLOUD: &str = "vault.azure.net";

/// A text that is no address of a key.
#[derive(Debug, thiserror::Error)]
#[error("a key in a vault is written https://<vault>/keys/<name>, or with /<version> after it")]
pub struct NotAKeyUrl;

/// The address of a key, or of one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyUrl {
    text: String,
    /// Scheme, host and port.
    base_len: usize,
    name: String,
    version: Option<String>,
}

impl KeyUrl {
    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The version, if one is named.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn base(&self) -> &str {
        self.text.get(..self.base_len).unwrap_or_default()
    }

    fn host(&self) -> &str {
        let authority = self.base().split("://").nth(1).unwrap_or_default();
        authority.rsplit_once(':').map_or(authority, |(host, _)| host)
    }

    /// Whether both are versions of one key.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        // Vaults tell names apart without regard to case.
        self.base() == other.base() && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// What a token for this vault is asked for.
    pub(super) fn scope(&self) -> String {
        format!("https://{}/.default", self.domain())
    }

    /// The domain that all vaults of this cloud live in.
    fn domain(&self) -> &str {
        match self.host().split_once('.') {
            Some((_, domain)) if domain.starts_with("vault.") || domain.starts_with("managedhsm.") => domain,
            _ => PUBLIC_CLOUD,
        }
    }

    /// Refuses a challenge for a resource that this vault does not belong to: a token for it would be stolen.
    pub(super) fn trusts(&self, headers: &HeaderMap) -> Result<(), ProviderError> {
        let challenge = headers
            .get(WWW_AUTHENTICATE)
            .and_then(|value| value.to_str().ok());
        let resource = challenge
            .and_then(|text| text.split("resource=\"").nth(1))
            .and_then(|rest| rest.split('"').next());
        let Some(resource) = resource else {
            return Ok(()); // nothing is claimed, and the token goes where it went before
        };
        let domain = resource.trim_start_matches("https://").trim_end_matches('/');
        if domain == self.domain() {
            Ok(())
        } else {
            Err(ProviderError::configuration(
                "challenge_foreign",
                "the vault asks for a token of another resource",
            ))
        }
    }
}

impl FromStr for KeyUrl {
    type Err = NotAKeyUrl;

    fn from_str(text: &str) -> Result<Self, NotAKeyUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(NotAKeyUrl)?;
        let mut parts = rest.trim_end_matches('/').split('/');
        let host = parts.next().unwrap_or_default();
        let of_host = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
        let of_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = ["https", "http"].contains(&scheme)
            && !host.is_empty()
            && host.chars().all(of_host)
            && parts.next() == Some("keys");
        let name = parts.next().unwrap_or_default();
        let version = parts.next();
        let named = (1..=127).contains(&name.len()) && name.chars().all(of_name);
        let versioned = version.is_none_or(|v| (1..=64).contains(&v.len()) && v.chars().all(of_name));
        if !(good && named && versioned && parts.next().is_none()) {
            return Err(NotAKeyUrl);
        }
        let base = format!("{scheme}://{}", host.to_ascii_lowercase());
        let tail = version.map(|v| format!("/{v}")).unwrap_or_default();
        Ok(Self {
            text: format!("{base}/keys/{name}{tail}"),
            base_len: base.len(),
            name: name.to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_a_version() {
        let key: KeyUrl = "https://MyVault.vault.azure.net/keys/puente/".parse().unwrap();
        assert_eq!(key.as_str(), "https://myvault.vault.azure.net/keys/puente");
        let version: KeyUrl = "https://myvault.vault.azure.net/keys/puente/0698c215"
            .parse()
            .unwrap();
        assert_eq!(version.version(), Some("0698c215"));
        assert!(key.is_same_key(&version));
        assert_eq!(key.scope(), "https://vault.azure.net/.default");
        let china: KeyUrl = "https://v.vault.azure.cn/keys/k".parse().unwrap();
        assert_eq!(china.scope(), "https://vault.azure.cn/.default");
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_address() {
        for bad in [
            "",
            "myvault.vault.azure.net/keys/k",
            "ftp://v/keys/k",
            "https://v/secrets/k",
            "https://v/keys/",
            "https://v/keys/k/1/wrapkey",
            "https://v/keys/k?x=1",
            "https://user@v/keys/k",
            "https://v/keys/../k",
            "https:///keys/k",
        ] {
            assert!(bad.parse::<KeyUrl>().is_err(), "{bad}");
        }
        let ours: KeyUrl = "https://v.vault.azure.net/keys/k".parse().unwrap();
        for foreign in [
            "https://w.vault.azure.net/keys/k/1",
            "https://v.vault.azure.net/keys/other/1",
            "http://v.vault.azure.net/keys/k/1",
            "https://v.vault.azure.net.evil.example/keys/k/1",
        ] {
            assert!(!ours.is_same_key(&foreign.parse().unwrap()), "{foreign}");
        }
    }

    #[test]
    fn a_challenge_for_another_resource_is_not_followed() {
        let key: KeyUrl = "https://v.vault.azure.net/keys/k".parse().unwrap();
        let challenge =
            |text: &'static str| HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(text))]);
        let good = r#"Bearer authorization="https://login.example/t", resource="https://vault.azure.net""#;
        assert!(key.trusts(&challenge(good)).is_ok());
        let evil = r#"Bearer authorization="https://login.example/t", resource="https://evil.example""#;
        assert_eq!(
            key.trusts(&challenge(evil)).unwrap_err().code(),
            "challenge_foreign"
        );
    }
}
