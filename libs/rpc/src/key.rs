//! The keys that tokens are signed with: one signs, and during a rotation a former one is still believed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use puente_types::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;

/// Why keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes in base64.
    #[error("an rpc key is 32 bytes in base64")]
    Form,
    /// Neither one nor two.
    #[error("give the current rpc key and, during a rotation, one former key after a comma")]
    Count,
}

/// The current key, and during a rotation the former one.
#[derive(Clone)]
pub struct RpcKeys {
    current: Key,
    former: Option<Key>,
}

type Key = Zeroizing<[u8; KEY_BYTES]>;

impl RpcKeys {
    /// Reads one or two keys, parted by a comma; the first one signs.
    ///
    /// # Errors
    /// When it is not one or two keys of 32 bytes in base64.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let mut keys = text.expose().split(',').map(|part| key(part.trim()));
        let current = keys.next().ok_or(KeyError::Count)??;
        let former = keys.next().transpose()?;
        if keys.next().is_some() {
            return Err(KeyError::Count);
        }
        Ok(Self { current, former })
    }

    /// The signature of `text` by the current key.
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; KEY_BYTES] {
        signature(&self.current, text)
    }

    /// Whether one of the keys made this signature. Takes the same time wherever they differ.
    pub(crate) fn made(&self, text: &[u8], given: &[u8]) -> bool {
        let by_current = signature(&self.current, text).ct_eq(given);
        let by_former = self
            .former
            .as_ref()
            .map_or(0.into(), |key| signature(key, text).ct_eq(given));
        (by_current | by_former).into()
    }
}

impl fmt::Debug for RpcKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RpcKeys(…)")
    }
}

fn key(text: &str) -> Result<Key, KeyError> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError::Form)?);
    let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Form)?;
    Ok(Zeroizing::new(key))
}

fn signature(key: &Key, text: &[u8]) -> [u8; KEY_BYTES] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length; the error cannot occur"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}
