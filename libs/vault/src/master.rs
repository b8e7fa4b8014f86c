//! Master keys: what wraps the data keys. They live in memory only and are never printed.

use std::fmt;

use aes_gcm::aead::Generate;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use puente_http::HttpError;
use puente_types::Secret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Padding may be left out: people copy keys by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A text or file that holds no master key. Says nothing of what it does hold.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Not 32 bytes in base64.
    #[error("a master key is 32 bytes in base64 (44 characters), or the https address of a key in a vault")]
    NotAKey,
    /// No key at all.
    #[error("no master key is given")]
    Missing,
    /// The file cannot be read.
    #[error("the master key file `{path}` cannot be read")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The machine gave no random bytes.
    #[error("the machine gives no random bytes")]
    NoRandomness,
    /// A key is in a vault, and the configuration does not say as whom to ask.
    #[error(
        "the master key is in a vault: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_FEDERATED_TOKEN_FILE)"
    )]
    NoIdentity,
    /// No way out to the vault.
    #[error(transparent)]
    Http(HttpError),
}

/// One master key of 32 bytes.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let id = hex::encode(Sha256::digest(bytes.as_slice()))
            .chars()
            .take(8)
            .collect();
        Self { id, bytes }
    }

    /// A new random key.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn generate() -> Result<Self, MasterKeyError> {
        <[u8; 32]>::try_generate()
            .map(Self::new)
            .map_err(|_| MasterKeyError::NoRandomness)
    }

    /// Reads a key from base64.
    ///
    /// # Errors
    /// When the text is not 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| MasterKeyError::NotAKey)?);
        bytes
            .as_slice()
            .try_into()
            .map(Self::new)
            .map_err(|_| MasterKeyError::NotAKey)
    }

    /// The key in base64, for writing it to where it will be kept.
    #[must_use]
    pub fn to_base64(&self) -> Secret {
        Secret::new(BASE64.encode(self.bytes.as_slice()))
    }

    /// Its name in what it sealed: the first 8 hex digits of its SHA-256. Safe to show.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_base64_with_and_without_padding() {
        let key = MasterKey::generate().unwrap();
        let text = key.to_base64();
        assert_eq!(
            MasterKey::from_base64(text.expose()).unwrap().bytes(),
            key.bytes()
        );
        assert_eq!(
            MasterKey::from_base64(text.expose().trim_end_matches('='))
                .unwrap()
                .id(),
            key.id()
        );
    }

    #[test]
    fn the_id_is_the_start_of_the_sha256() {
        // SHA-256 of 32 zero bytes begins with 66687aad.
        assert_eq!(MasterKey::new([0; 32]).id(), "66687aad");
    }
}
