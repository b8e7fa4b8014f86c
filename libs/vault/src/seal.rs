//! Envelope encryption of a connection's secrets.
//!
//! Each sealing draws a data key of its own. The data key is wrapped under a master key with the tenant as
//! associated data; each secret is encrypted under the data key with `tenant|connection|field` as associated data.
//! Tenant and connection cannot hold `|`, so the joined text is unambiguous. Moving a value to another tenant,
//! connection or field therefore makes it unreadable, as does any changed bit.

use std::collections::BTreeMap;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, Generate, KeyInit, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use puente_types::{ConnectionId, Secret, Secrets, TenantId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::MasterKeys;

/// The form written today.
const VERSION: u8 = 1;

/// AES-GCM's nonce: 96 bits, random. A data key encrypts a handful of fields once, so repeats are out of reach.
const NONCE_BYTES: usize = 12;

/// Why secrets could not be sealed or opened. Names neither a secret nor its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Written by a newer version.
    #[error("the sealed form has version {0}, which this version does not know")]
    Version(u8),
    /// None of the master keys at hand has this id.
    #[error("sealed under master key {0}, which is not among the keys given")]
    UnknownMaster(String),
    /// Tampered with, or moved from another tenant, connection or field.
    #[error("the sealed form does not belong here or was changed")]
    Refused,
    /// The machine gave no random bytes.
    #[error("the machine gives no random bytes")]
    NoRandomness,
}

/// The secrets of one connection, encrypted; safe to store and to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The form of what follows.
    v: u8,
    /// Which master key wraps the data key.
    master: String,
    /// The wrapped data key: nonce and ciphertext, base64.
    key: String,
    /// The secrets by name: nonce and ciphertext, base64.
    fields: BTreeMap<String, String>,
}

impl Sealed {
    /// The id of the master key that it was sealed under.
    #[must_use]
    pub fn master(&self) -> &str {
        &self.master
    }

    /// The names of the secrets inside.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

/// Seals the secrets of a connection under the sealing master key.
///
/// # Errors
/// When the machine has no randomness to give.
pub fn seal(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    secrets: &Secrets,
) -> Result<Sealed, SealError> {
    let master = masters.sealing();
    let data_key = Zeroizing::new(<[u8; 32]>::try_generate().map_err(|_| SealError::NoRandomness)?);
    let key = encrypt(master.bytes(), data_key.as_slice(), tenant.as_str())?;
    let mut fields = BTreeMap::new();
    for (name, secret) in secrets.iter() {
        let boxed = encrypt(
            &data_key,
            secret.expose().as_bytes(),
            &field_aad(tenant, connection, name),
        )?;
        fields.insert(name.to_owned(), boxed);
    }
    Ok(Sealed {
        v: VERSION,
        master: master.id().to_owned(),
        key,
        fields,
    })
}

/// Opens what [`seal`] made for the same tenant and connection.
///
/// # Errors
/// When the master key is not at hand, or anything was changed or moved.
pub fn open(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    sealed: &Sealed,
) -> Result<Secrets, SealError> {
    if sealed.v != VERSION {
        return Err(SealError::Version(sealed.v));
    }
    let data_key = unwrap_key(masters, tenant, sealed)?;
    let opened = sealed.fields.iter().map(|(name, boxed)| {
        let bytes = decrypt(&data_key, boxed, &field_aad(tenant, connection, name))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SealError::Refused)?;
        Ok((name.clone(), Secret::new(text)))
    });
    opened.collect()
}

fn unwrap_key(
    masters: &MasterKeys,
    tenant: &TenantId,
    sealed: &Sealed,
) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut result = Err(SealError::UnknownMaster(sealed.master.chars().take(8).collect()));
    for master in masters.named(&sealed.master) {
        result = decrypt(master.bytes(), &sealed.key, tenant.as_str()).and_then(|bytes| {
            bytes
                .as_slice()
                .try_into()
                .map(Zeroizing::new)
                .map_err(|_| SealError::Refused)
        });
        if result.is_ok() {
            break;
        }
    }
    result
}

fn field_aad(tenant: &TenantId, connection: &ConnectionId, field: &str) -> String {
    format!("{tenant}|{connection}|{field}")
}

fn encrypt(key: &[u8; 32], plain: &[u8], aad: &str) -> Result<String, SealError> {
    let nonce = <[u8; NONCE_BYTES]>::try_generate().map_err(|_| SealError::NoRandomness)?;
    let cipher = Aes256Gcm::new(key.into());
    let boxed = cipher
        .encrypt(
            &nonce.into(),
            Payload {
                msg: plain,
                aad: aad.as_bytes(),
            },
        )
        .map_err(|_| SealError::Refused)?;
    Ok(STANDARD.encode([nonce.as_slice(), &boxed].concat()))
}

fn decrypt(key: &[u8; 32], boxed: &str, aad: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let bytes = STANDARD.decode(boxed).map_err(|_| SealError::Refused)?;
    let (nonce, cipher_text) = bytes
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(SealError::Refused)?;
    Aes256Gcm::new(key.into())
        .decrypt(
            &(*nonce).into(),
            Payload {
                msg: cipher_text,
                aad: aad.as_bytes(),
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| SealError::Refused)
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
