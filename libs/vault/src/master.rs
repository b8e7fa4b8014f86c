//! Master keys: what wraps the data keys. They live in memory only and are never printed.

use std::fmt;
use std::path::Path;

use aes_gcm::aead::Generate;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
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
    #[error("a master key is 32 bytes, written in base64 (44 characters)")]
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

/// The master keys of an installation: the first seals, all of them open.
///
/// To rotate: put the new key first everywhere, seal everything again ([`crate::publish::reseal`]), then drop the
/// old key. Put it *second* first if services restart one by one.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    sealing: MasterKey,
    former: Vec<MasterKey>,
}

impl MasterKeys {
    /// `sealing` seals and opens; `former` only open.
    #[must_use]
    pub fn new(sealing: MasterKey, former: Vec<MasterKey>) -> Self {
        Self { sealing, former }
    }

    /// Reads keys in base64, parted by commas or blanks, the sealing one first.
    ///
    /// # Errors
    /// When there is none, or one of them is no key.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(MasterKey::from_base64);
        let sealing = keys.next().ok_or(MasterKeyError::Missing)??;
        Ok(Self {
            sealing,
            former: keys.collect::<Result<_, _>>()?,
        })
    }

    /// Reads a file of keys in base64 (as [`MasterKeys::parse`]), or of 32 raw bytes.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let unreadable = |cause| MasterKeyError::Unreadable {
            path: path.display().to_string(),
            cause,
        };
        let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
        if let Ok(raw) = <[u8; 32]>::try_from(bytes.as_slice()) {
            return Ok(Self::new(MasterKey::new(raw), Vec::new()));
        }
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| MasterKeyError::NotAKey)?)
    }

    /// The key that seals.
    #[must_use]
    pub fn sealing(&self) -> &MasterKey {
        &self.sealing
    }

    /// Every key that goes by this id; ids are short, so there may be more than one.
    pub(crate) fn named<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a MasterKey> {
        std::iter::once(&self.sealing)
            .chain(&self.former)
            .filter(move |key| key.id == id)
    }
}

impl From<MasterKey> for MasterKeys {
    fn from(sealing: MasterKey) -> Self {
        Self::new(sealing, Vec::new())
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

    #[test]
    fn the_first_of_several_keys_seals_and_all_open() {
        let (new, old) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let text = format!("{},\n {}\n", new.to_base64().expose(), old.to_base64().expose());
        let keys = MasterKeys::parse(&text).unwrap();
        assert_eq!(keys.sealing().id(), new.id());
        assert_eq!(keys.named(old.id()).count(), 1);
    }

    #[test]
    fn a_file_may_hold_raw_bytes_or_text() {
        let dir = tempfile::tempdir().unwrap();
        let key = MasterKey::generate().unwrap();
        for content in [
            key.bytes().to_vec(),
            format!("{}\n", key.to_base64().expose()).into_bytes(),
        ] {
            let path = dir.path().join("master.key");
            std::fs::write(&path, content).unwrap();
            assert_eq!(MasterKeys::read(&path).unwrap().sealing().id(), key.id());
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for bad in ["hunter2", "", "aGVsbG8="] {
            let shown = format!("{:?}", MasterKeys::parse(bad).unwrap_err());
            assert!(!shown.contains("hunter2"));
        }
        let key = MasterKey::generate().unwrap();
        assert!(!format!("{key:?}").contains(key.to_base64().expose()));
    }
}
