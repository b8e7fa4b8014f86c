//! The master keys of an installation, wherever they are kept, and the data keys that they wrap.
//!
//! A data key belongs to one tenant. With master keys of our own, every sealing draws a new one. A vault is asked for
//! each wrapping, so there a tenant's data key serves for an hour. In both cases what is sealed carries its data key
//! along, wrapped, and says under which master key: nothing else has to be found to open it.

use std::path::Path;
use std::sync::Arc;

use aes_gcm::aead::Generate;
use puente_http::{Http, HttpConfig};
use puente_types::{Secret, TenantId};
use zeroize::Zeroizing;

use crate::azure::{IdentityConfig, KeyUrl, KeyVault};
use crate::data_key::{DataKey, DataKeys};
use crate::seal::{self, Form, Sealed};
use crate::{MasterKey, MasterKeyError, SealError};

/// A master key, or where it is.
#[derive(Debug, Clone)]
pub enum Master {
    /// Its bytes are here.
    Own(MasterKey),
    /// It is in a vault and stays there.
    Vault(KeyUrl),
}

impl Master {
    /// Its name, safe to show: as in [`MasterKey::id`], or its address.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Own(key) => key.id(),
            Self::Vault(url) => url.as_str(),
        }
    }
}

/// The master keys of an installation: the first seals, all of them open.
///
/// To rotate: put the new key first everywhere, seal everything again ([`crate::reseal`]), then drop the old key. Put it
/// *second* first if services restart one by one. Moving from a key of one's own into a vault is a rotation like any.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    sealing: Master,
    former: Vec<Master>,
    vault: Option<KeyVault>,
    data_keys: Arc<DataKeys>,
}

impl MasterKeys {
    /// `sealing` seals and opens; `former` only open.
    #[must_use]
    pub fn new(sealing: MasterKey, former: Vec<MasterKey>) -> Self {
        Self::of(
            Master::Own(sealing),
            former.into_iter().map(Master::Own).collect(),
        )
    }

    fn of(sealing: Master, former: Vec<Master>) -> Self {
        Self {
            sealing,
            former,
            vault: None,
            data_keys: Arc::default(),
        }
    }

    /// Reads keys parted by commas or blanks, the sealing one first: 32 bytes in base64, or the address of a key in a
    /// vault, `https://<vault>/keys/<name>[/<version>]`. Without a version, the newest seals.
    ///
    /// # Errors
    /// When there is none, or one of them is no key.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(|part| {
                if part.contains("://") {
                    let url = part.parse().map_err(|_| MasterKeyError::NotAKey)?;
                    return Ok(Master::Vault(url));
                }
                MasterKey::from_base64(part).map(Master::Own)
            });
        let sealing = keys.next().ok_or(MasterKeyError::Missing)??;
        Ok(Self::of(sealing, keys.collect::<Result<_, _>>()?))
    }

    /// The keys of a service's configuration: `master_key`, and `azure` for those of them that are in a vault.
    ///
    /// # Errors
    /// As [`MasterKeys::parse`] and [`MasterKeys::with_identity`].
    pub fn configured(keys: &Secret, azure: &IdentityConfig) -> Result<Self, MasterKeyError> {
        Self::parse(keys.expose())?.with_identity(azure)
    }

    /// Reads a file of keys (as [`MasterKeys::parse`]), or of 32 raw bytes.
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
    pub fn sealing(&self) -> &Master {
        &self.sealing
    }

    /// Whether any of them is in a vault: then [`MasterKeys::with_vault`] is needed.
    #[must_use]
    pub fn need_vault(&self) -> bool {
        self.all().any(|master| matches!(master, Master::Vault(_)))
    }

    /// With the way to the vaults that they name, as this identity; nothing changes if they name none.
    ///
    /// # Errors
    /// When a vault is named and the identity is not complete, or the machine has no certificates to trust.
    pub fn with_identity(self, config: &IdentityConfig) -> Result<Self, MasterKeyError> {
        if !self.need_vault() {
            return Ok(self);
        }
        let identity = config.identity().ok_or(MasterKeyError::NoIdentity)?;
        // The operator names the vault, no tenant does: it may be at a private address. Plain HTTP is for simulators on
        // this machine.
        let settings = HttpConfig {
            allow_private: true,
            ..HttpConfig::default()
        };
        let http = Http::new(settings).map_err(MasterKeyError::Http)?;
        let vault = KeyVault::new(Arc::new(http), identity).map_err(|_| MasterKeyError::NoIdentity)?;
        Ok(self.with_vault(vault))
    }

    /// With the way to the vaults.
    #[must_use]
    pub fn with_vault(mut self, vault: KeyVault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// The name of the key that seals now, as it stands in what is sealed; of one in a vault, of its current version.
    ///
    /// # Errors
    /// When the vault does not say which version that is.
    pub async fn current_id(&self) -> Result<String, SealError> {
        Ok(match &self.sealing {
            Master::Own(key) => key.id().to_owned(),
            Master::Vault(url) => self.vault()?.current(url).await?.to_string(),
        })
    }

    /// Whether this is sealed under the key that seals now, in its current version.
    ///
    /// # Errors
    /// As [`MasterKeys::current_id`].
    pub async fn is_current(&self, sealed: &Sealed) -> Result<bool, SealError> {
        Ok(sealed.master() == self.current_id().await?)
    }

    /// Drops what a rotation must not be held up by: cached data keys of the sealing side, and which version of a key in
    /// a vault is the newest.
    pub fn turn_over(&self) {
        self.data_keys.turn_over();
        if let Some(vault) = &self.vault {
            vault.look_again();
        }
    }

    /// Clears data keys from memory that were unwrapped an hour ago.
    pub fn forget_old(&self) {
        self.data_keys.forget_old();
    }

    /// A data key to seal with, for this tenant alone.
    pub(crate) async fn data_key(&self, tenant: &TenantId) -> Result<Arc<DataKey>, SealError> {
        let fresh = || <[u8; 32]>::try_generate().map_err(|_| SealError::NoRandomness);
        match &self.sealing {
            Master::Own(master) => {
                let bytes = Zeroizing::new(fresh()?);
                let wrapped = seal::encrypt(master.bytes(), bytes.as_slice(), tenant.as_str())?;
                Ok(Arc::new(DataKey {
                    form: Form::Own,
                    master: master.id().to_owned(),
                    wrapped,
                    bytes,
                }))
            }
            Master::Vault(url) => {
                let vault = self.vault()?;
                let current = vault.current(url).await?;
                if let Some(key) = self.data_keys.sealing(tenant, current.as_str()) {
                    return Ok(key);
                }
                let bytes = Zeroizing::new(fresh()?);
                let wrapped = vault.wrap(url, &bytes).await?;
                let key = Arc::new(DataKey {
                    form: Form::Vault,
                    master: wrapped.kid.to_string(),
                    wrapped: wrapped.value,
                    bytes,
                });
                self.data_keys.keep_sealing(tenant, &key);
                Ok(key)
            }
        }
    }

    /// The data key of something sealed.
    pub(crate) async fn unwrap(
        &self,
        tenant: &TenantId,
        sealed: &Sealed,
    ) -> Result<Zeroizing<[u8; 32]>, SealError> {
        match sealed.form().ok_or(SealError::Version(sealed.version()))? {
            Form::Own => self.unwrap_own(tenant, sealed),
            Form::Vault => {
                if let Some(key) = self.data_keys.opened(sealed) {
                    return Ok(key);
                }
                let unknown = || SealError::UnknownMaster(sealed.master().chars().take(200).collect());
                let kid: KeyUrl = sealed.master().parse().map_err(|_| unknown())?;
                let ours = self
                    .all()
                    .any(|master| matches!(master, Master::Vault(url) if url.is_same_key(&kid)));
                if !ours {
                    return Err(unknown());
                }
                let key = self.vault()?.unwrap(&kid, sealed.key()).await?;
                self.data_keys.keep_opened(sealed, &key);
                Ok(key)
            }
        }
    }

    fn unwrap_own(&self, tenant: &TenantId, sealed: &Sealed) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let mut result = Err(SealError::UnknownMaster(
            sealed.master().chars().take(8).collect(),
        ));
        for master in self.named(sealed.master()) {
            result = seal::decrypt(master.bytes(), sealed.key(), tenant.as_str()).and_then(|bytes| {
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

    fn vault(&self) -> Result<&KeyVault, SealError> {
        self.vault.as_ref().ok_or(SealError::NoVault)
    }

    fn all(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.sealing).chain(&self.former)
    }

    /// Every key of our own that goes by this id; ids are short, so there may be more than one.
    fn named<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a MasterKey> {
        self.all().filter_map(move |master| match master {
            Master::Own(key) => (key.id() == id).then_some(key),
            Master::Vault(_) => None,
        })
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
    fn a_vault_without_an_identity_is_refused_at_the_start() {
        let keys = MasterKeys::parse("https://v.vault.azure.net/keys/puente").unwrap();
        let mut config = IdentityConfig {
            tenant_id: "t".to_owned(),
            client_id: "c".to_owned(),
            authority_host: "https://login.example".to_owned(),
            ..IdentityConfig::default()
        };
        let refused = keys.clone().with_identity(&config).unwrap_err();
        assert!(matches!(refused, MasterKeyError::NoIdentity));
        assert!(refused.to_string().contains("AZURE_CLIENT_SECRET"));
        config.federated_token_file = "/var/run/token".to_owned();
        assert!(config.identity().is_some());
        let own = MasterKeys::from(MasterKey::generate().unwrap());
        own.with_identity(&IdentityConfig::default()).unwrap();
    }

    #[test]
    fn keys_in_vaults_and_keys_of_our_own_are_written_side_by_side() {
        let old = MasterKey::generate().unwrap();
        let text = format!(
            "https://v.vault.azure.net/keys/puente/1,{}",
            old.to_base64().expose()
        );
        let keys = MasterKeys::parse(&text).unwrap();
        assert_eq!(keys.sealing().id(), "https://v.vault.azure.net/keys/puente/1");
        assert!(keys.need_vault());
        assert_eq!(keys.named(old.id()).count(), 1);
        assert!(MasterKeys::parse("https://v.vault.azure.net/secrets/puente").is_err());
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
