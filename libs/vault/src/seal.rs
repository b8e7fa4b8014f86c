//! Envelope encryption of a connection's secrets.
//!
//! Secrets are encrypted under a data key of their tenant ([`MasterKeys`] says for how long it serves), with
//! `tenant|connection|field` as associated data, and the wrapped data key goes along. A master key of our own wraps it
//! with the tenant as associated data; a vault wraps it by RSA-OAEP-256, which knows no such thing and needs none, since
//! the fields are bound. Tenant and connection cannot hold `|`, so the joined text is unambiguous. Moving a value to
//! another tenant, connection or field therefore makes it unreadable, as does any changed bit.

use std::collections::BTreeMap;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, Generate, KeyInit, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use puente_ports::{ErrorTag, ProviderError};
use puente_types::{ConnectionId, Secret, Secrets, TenantId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::MasterKeys;
use crate::data_key::DataKey;

/// How a data key is wrapped; written as the version of the sealed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Under a master key of our own, AES-256-GCM.
    Own = 1,
    /// By a key in a vault, RSA-OAEP-256.
    Vault = 2,
}

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
    /// The master key is in a vault, and nothing says how to get there.
    #[error("the master key is in a vault, and this program was given no identity for it")]
    NoVault,
    /// The vault that keeps the master key did not do it.
    #[error("the vault of the master key: {0}")]
    Vault(#[from] ProviderError),
}

impl SealError {
    /// Whether it goes away by itself.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Vault(error) if error.tag() == ErrorTag::Temporary)
    }
}

/// The secrets of one connection, encrypted; safe to store and to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The form of what follows.
    v: u8,
    /// Which master key wraps the data key.
    master: String,
    /// The wrapped data key: nonce and ciphertext in base64, or what the vault gave, in base64url.
    key: String,
    /// The secrets by name: nonce and ciphertext, base64.
    fields: BTreeMap<String, String>,
}

impl Sealed {
    /// The id of the master key that it was sealed under; of one in a vault, the address of its version (`kid`).
    #[must_use]
    pub fn master(&self) -> &str {
        &self.master
    }

    pub(crate) fn form(&self) -> Option<Form> {
        match self.v {
            1 => Some(Form::Own),
            2 => Some(Form::Vault),
            _ => None,
        }
    }

    pub(crate) fn version(&self) -> u8 {
        self.v
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The names of the secrets inside.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

/// Seals the secrets of a connection under the sealing master key.
///
/// # Errors
/// When the machine has no randomness to give, or the vault does not answer.
pub async fn seal(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    secrets: &Secrets,
) -> Result<Sealed, SealError> {
    let data_key = masters.data_key(tenant).await?;
    seal_with(&data_key, tenant, connection, secrets)
}

/// Seals under a data key of this tenant that is at hand: needs no vault.
pub(crate) fn seal_with(
    data_key: &DataKey,
    tenant: &TenantId,
    connection: &ConnectionId,
    secrets: &Secrets,
) -> Result<Sealed, SealError> {
    let mut fields = BTreeMap::new();
    for (name, secret) in secrets.iter() {
        let boxed = encrypt(
            &data_key.bytes,
            secret.expose().as_bytes(),
            &field_aad(tenant, connection, name),
        )?;
        fields.insert(name.to_owned(), boxed);
    }
    Ok(Sealed {
        v: data_key.form as u8,
        master: data_key.master.clone(),
        key: data_key.wrapped.clone(),
        fields,
    })
}

/// Opens what [`seal`] made for the same tenant and connection.
///
/// # Errors
/// When the master key is not at hand, or anything was changed or moved.
pub async fn open(
    masters: &MasterKeys,
    tenant: &TenantId,
    connection: &ConnectionId,
    sealed: &Sealed,
) -> Result<Secrets, SealError> {
    let data_key = masters.unwrap(tenant, sealed).await?;
    let opened = sealed.fields.iter().map(|(name, boxed)| {
        let bytes = decrypt(&data_key, boxed, &field_aad(tenant, connection, name))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SealError::Refused)?;
        Ok((name.clone(), Secret::new(text)))
    });
    opened.collect()
}

fn field_aad(tenant: &TenantId, connection: &ConnectionId, field: &str) -> String {
    format!("{tenant}|{connection}|{field}")
}

pub(crate) fn encrypt(key: &[u8; 32], plain: &[u8], aad: &str) -> Result<String, SealError> {
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

pub(crate) fn decrypt(key: &[u8; 32], boxed: &str, aad: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
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
