//! The table `[storage]` of a service's configuration; `storage.default.toml` beside this crate says what each key means.

use std::path::PathBuf;

use puente_types::Secret;
use serde::{Deserialize, Deserializer};

/// Where documents are kept, and how links to them are made. Every key has a default, so that a service embeds it as
/// `#[serde(default)] storage: StorageSettings`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "storage.default.toml documents every key")]
pub struct StorageSettings {
    pub kind: StorageKind,
    pub folder: PathBuf,
    pub links: Links,
    pub public_url: String,
    #[serde(deserialize_with = "empty_is_none")]
    pub link_key: Option<Secret>,
    pub prefix: String,
    pub account: String,
    #[serde(deserialize_with = "empty_is_none")]
    pub account_key: Option<Secret>,
    pub endpoint: String,
    pub identity_authority: String,
    pub identity_tenant: String,
    pub identity_client: String,
    #[serde(deserialize_with = "empty_is_none")]
    pub identity_secret: Option<Secret>,
    pub identity_token_file: String,
    pub region: String,
    pub insecure_http: bool,
}

/// The commented defaults, to be put into a service's own `config.default.toml`.
pub const DEFAULTS: &str = include_str!("storage.default.toml");

/// Which store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A folder of this machine.
    Local,
    /// Azure Blob Storage, or Azurite.
    Azure,
    /// A store that speaks S3.
    S3,
}

/// Who answers a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// Our own gateway, which audits every download. The only choice for a folder and for S3.
    Gateway,
    /// The store itself, where we can sign for it.
    Store,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            kind: StorageKind::Local,
            folder: PathBuf::from(".puente/storage"),
            links: Links::Gateway,
            public_url: "http://127.0.0.1:8080".to_owned(),
            link_key: None,
            prefix: String::new(),
            account: String::new(),
            account_key: None,
            endpoint: String::new(),
            identity_authority: String::new(),
            identity_tenant: String::new(),
            identity_client: String::new(),
            identity_secret: None,
            identity_token_file: String::new(),
            region: "us-east-1".to_owned(),
            insecure_http: false,
        }
    }
}

impl StorageSettings {
    /// A folder, with links served at `public_url`; for the fleet and tests.
    #[must_use]
    pub fn local(folder: impl Into<PathBuf>, public_url: impl Into<String>, link_key: Secret) -> Self {
        Self {
            folder: folder.into(),
            public_url: public_url.into(),
            link_key: Some(link_key),
            ..Self::default()
        }
    }
}

fn empty_is_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let secret = Option::<Secret>::deserialize(from)?;
    Ok(secret.filter(|secret| !secret.expose().is_empty()))
}
