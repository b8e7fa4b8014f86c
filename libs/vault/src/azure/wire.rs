//! The vault's JSON, as it names it, and what its refusals mean.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use puente_ports::{OutboundResponse, ProviderError, ProviderErrorKind, retry_after};
use puente_types::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyUrl;

/// Sent strictly, read leniently: a published example shows padding and the standard alphabet.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The body of wrapkey, for a data key.
pub(super) fn wrap_body(alg: &str, data_key: &[u8; 32]) -> Result<Bytes, ProviderError> {
    body(alg, &Zeroizing::new(URL_SAFE_NO_PAD.encode(data_key)))
}

/// The body of unwrapkey, for what was wrapped.
pub(super) fn unwrap_body(alg: &str, wrapped: &str) -> Result<Bytes, ProviderError> {
    body(alg, &URL_SAFE_NO_PAD.encode(decode(wrapped)?))
}

fn body(alg: &str, value: &str) -> Result<Bytes, ProviderError> {
    #[derive(Serialize)]
    struct Body<'a> {
        alg: &'a str,
        value: &'a str,
    }
    serde_json::to_vec(&Body { alg, value })
        .map(Bytes::from)
        .map_err(|_| ProviderError::malformed("the request to the vault"))
}

/// The answer of both. Its value may be a data key.
#[derive(Deserialize)]
pub(super) struct KeyAnswer {
    #[serde(default)]
    kid: String,
    value: Secret,
}

impl KeyAnswer {
    /// Errors repeat nothing of the answer.
    pub(super) fn read(answer: &[u8]) -> Result<Self, ProviderError> {
        serde_json::from_slice(answer)
            .map_err(|_| ProviderError::malformed("the vault's answer cannot be read"))
    }

    /// The version that did it, which must be one of `key`.
    pub(super) fn kid_of(&self, key: &KeyUrl) -> Result<KeyUrl, ProviderError> {
        let kid: KeyUrl = self
            .kid
            .parse()
            .map_err(|_| ProviderError::malformed("the vault's `kid` cannot be read"))?;
        if key.is_same_key(&kid) && kid.version().is_some() {
            Ok(kid)
        } else {
            Err(ProviderError::malformed("the vault answered for another key"))
        }
    }

    /// The wrapped value in the form that is sent.
    pub(super) fn wrapped(&self) -> Result<String, ProviderError> {
        decode(self.value.expose()).map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The unwrapped value.
    pub(super) fn key(&self) -> Result<Zeroizing<[u8; 32]>, ProviderError> {
        decode(self.value.expose())?
            .as_slice()
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| ProviderError::malformed("what the vault unwrapped is no data key"))
    }
}

fn decode(value: &str) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let url_safe = |c| match c {
        '+' => '-',
        '/' => '_',
        c => c,
    };
    let value: Zeroizing<String> = Zeroizing::new(value.chars().map(url_safe).collect());
    LENIENT
        .decode(value.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| ProviderError::malformed("a value of the vault is not base64url"))
}

/// The version in the answer to "get key".
pub(super) fn newest_version(answer: &[u8], key: &KeyUrl) -> Result<KeyUrl, ProviderError> {
    #[derive(Deserialize)]
    struct Answer {
        key: Key,
    }
    #[derive(Deserialize)]
    struct Key {
        kid: String,
    }
    let unreadable = || ProviderError::malformed("the vault's answer names no version of the key");
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| unreadable())?;
    let version: KeyUrl = answer.key.kid.parse().map_err(|_| unreadable())?;
    if version.version().is_some() && key.is_same_key(&version) {
        Ok(version)
    } else {
        Err(unreadable())
    }
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: RefusalError,
}

#[derive(Default, Deserialize)]
struct RefusalError {
    #[serde(default)]
    code: String,
    innererror: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    code: String,
}

/// What a refusal means: by status first, since the vendor's inner words are not all documented. Its message is left
/// out: it names callers and addresses.
pub(super) fn refusal(answer: &OutboundResponse) -> ProviderError {
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = match refusal.error.innererror {
        Some(inner) if !inner.code.is_empty() => inner.code,
        _ => refusal.error.code,
    };
    let code = word(&code).unwrap_or_else(|| answer.status.as_str().to_owned());
    let after = retry_after(&answer.headers, None);
    let (kind, what) = match answer.status.as_u16() {
        401 => (ProviderErrorKind::Auth, "the vault does not take our token"),
        403 => (
            ProviderErrorKind::Auth,
            "our identity may not use the master key, or the key is disabled",
        ),
        404 => (
            ProviderErrorKind::Configuration,
            "the vault has no such key or version",
        ),
        429 => (
            ProviderErrorKind::RateLimited { retry_after: after },
            "the vault is asked too often",
        ),
        500.. => (
            ProviderErrorKind::Unavailable { retry_after: after },
            "the vault is not well",
        ),
        _ => (ProviderErrorKind::Rejected, "the vault refuses the request"),
    };
    ProviderError::new(kind, code, what)
}

/// A code is a word; anything else is not repeated.
pub(super) fn word(text: &str) -> Option<String> {
    let good = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data key of the vendor's own examples.
    const VALUE: &str = "ovQIlbB0DgWhZA7sgkPxbg9H-Ly-VlNGPSgGrrZvlIo";
    const HEX: &str = "a2f40895b0740e05a1640eec8243f16e0f47f8bcbe5653463d2806aeb66f948a";

    #[test]
    fn the_vendors_example_is_written_and_read_to_the_byte() {
        let key: [u8; 32] = hex::decode(HEX).unwrap().try_into().unwrap();
        let body = wrap_body("RSA-OAEP-256", &key).unwrap();
        let expected = format!(r#"{{"alg":"RSA-OAEP-256","value":"{VALUE}"}}"#);
        assert_eq!(body, expected.as_bytes());
        let standard = format!("{}=", VALUE.replace('-', "+").replace('_', "/"));
        for value in [VALUE, &standard] {
            let answer = format!(r#"{{"kid":"https://v/keys/k/1","value":"{value}"}}"#);
            let read = KeyAnswer::read(answer.as_bytes()).unwrap();
            assert_eq!(*read.key().unwrap(), key);
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let read = KeyAnswer::read(br#"{"value":"AAAA"}"#).unwrap();
        assert!(read.key().is_err());
    }
}
