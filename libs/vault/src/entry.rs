//! What the bucket holds for one connection: its settings in the clear, its secrets sealed.
//!
//! The clear part is bound to the sealed part by a digest that is sealed along with the secrets. Without it,
//! whoever can write to the bucket could point a connection's base URL at a host of his own and be handed the
//! secrets with the next call.

use puente_ports::Connection;
use puente_types::{ConnectionId, Secret, Secrets, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::MasterKeys;
use crate::seal::{SealError, Sealed, open, seal};

/// The sealed field that holds the digest; no secret can be named so, because names are identifiers.
const BINDING: &str = "@entry";

/// The value under a connection's id. Fields that a later version adds are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) tenant: TenantId,
    pub(crate) provider: String,
    #[serde(default)]
    pub(crate) account: Option<String>,
    #[serde(default)]
    pub(crate) settings: serde_json::Map<String, Value>,
    pub(crate) sealed: Sealed,
}

impl Entry {
    pub(crate) async fn seal(masters: &MasterKeys, connection: &Connection) -> Result<Self, SealError> {
        let Connection {
            id,
            tenant,
            provider,
            account,
            settings,
            secrets,
        } = connection;
        let names: Vec<&str> = secrets.names().filter(|name| *name != BINDING).collect();
        let digest = digest(provider, account.as_deref(), settings, &names);
        let bound: Secrets = secrets
            .iter()
            .filter(|(name, _)| *name != BINDING)
            .map(|(name, secret)| (name.to_owned(), secret.clone()))
            .chain([(BINDING.to_owned(), Secret::new(digest))])
            .collect();
        Ok(Self {
            tenant: tenant.clone(),
            provider: provider.clone(),
            account: account.clone(),
            settings: settings.clone(),
            sealed: seal(masters, tenant, id, &bound).await?,
        })
    }

    pub(crate) async fn open(
        &self,
        masters: &MasterKeys,
        id: &ConnectionId,
    ) -> Result<Connection, SealError> {
        let bound = open(masters, &self.tenant, id, &self.sealed).await?;
        let names: Vec<&str> = self.secret_names().collect();
        let expected = digest(&self.provider, self.account.as_deref(), &self.settings, &names);
        // Nobody can probe this comparison: the value inside was authenticated when it was opened.
        if bound
            .get(BINDING)
            .is_none_or(|sealed| sealed.expose() != expected)
        {
            return Err(SealError::Refused);
        }
        let secrets = bound
            .iter()
            .filter(|(name, _)| *name != BINDING)
            .map(|(name, secret)| (name.to_owned(), secret.clone()))
            .collect();
        Ok(Connection {
            id: id.clone(),
            tenant: self.tenant.clone(),
            provider: self.provider.clone(),
            account: self.account.clone(),
            settings: self.settings.clone(),
            secrets,
        })
    }

    /// The names of its secrets, readable without a key.
    pub(crate) fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.sealed.names().filter(|name| *name != BINDING)
    }
}

/// SHA-256 over the clear part, in an order of its own: JSON keeps none, and PostgreSQL's `jsonb` changes it.
fn digest(
    provider: &str,
    account: Option<&str>,
    settings: &serde_json::Map<String, Value>,
    secrets: &[&str],
) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, &Value::from(provider));
    feed(&mut hash, &account.map_or(Value::Null, Value::from));
    feed_map(&mut hash, settings);
    feed(&mut hash, &Value::from(secrets));
    hex::encode(hash.finalize())
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(yes) => hash.update(if *yes { b"t" } else { b"f" }),
        Value::Number(number) => feed_text(hash, b'#', &number.to_string()),
        Value::String(text) => feed_text(hash, b'"', text),
        Value::Array(items) => {
            feed_len(hash, b'[', items.len());
            items.iter().for_each(|item| feed(hash, item));
        }
        Value::Object(map) => feed_map(hash, map),
    }
}

fn feed_map(hash: &mut Sha256, map: &serde_json::Map<String, Value>) {
    feed_len(hash, b'{', map.len());
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in entries {
        feed_text(hash, b'"', name);
        feed(hash, value);
    }
}

fn feed_text(hash: &mut Sha256, tag: u8, text: &str) {
    feed_len(hash, tag, text.len());
    hash.update(text.as_bytes());
}

fn feed_len(hash: &mut Sha256, tag: u8, len: usize) {
    hash.update([tag]);
    hash.update((len as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    fn connection() -> Connection {
        Connection {
            id: "acme-chat".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            provider: "chat".to_owned(),
            account: Some("100".to_owned()),
            settings: serde_json::from_str(
                r#"{"base_url":"https://chat.example","accounts":["a","b"],"n":1.50}"#,
            )
            .unwrap(),
            secrets: [("token".to_owned(), Secret::new("hunter2"))]
                .into_iter()
                .collect(),
        }
    }

    #[tokio::test]
    async fn a_connection_survives_sealing_and_json() {
        let masters = MasterKeys::from(MasterKey::generate().unwrap());
        let entry = Entry::seal(&masters, &connection()).await.unwrap();
        let text = serde_json::to_string(&entry).unwrap();
        assert!(!text.contains("hunter2"));
        let entry: Entry = serde_json::from_str(&text).unwrap();
        let opened = entry.open(&masters, &connection().id).await.unwrap();
        assert_eq!(opened.settings, connection().settings);
        assert_eq!(opened.secrets.names().collect::<Vec<_>>(), ["token"]);
        assert_eq!(opened.secrets.get("token").unwrap().expose(), "hunter2");
    }

    #[tokio::test]
    async fn changing_the_clear_part_makes_the_entry_unreadable() {
        let masters = MasterKeys::from(MasterKey::generate().unwrap());
        let good = Entry::seal(&masters, &connection()).await.unwrap();
        let changes: [fn(&mut Entry); 5] = [
            |e| e.tenant = "other".parse().unwrap(),
            |e| e.provider = "mail".to_owned(),
            |e| e.account = None,
            |e| e.settings["base_url"] = "https://evil.example".into(),
            |e| drop(e.settings.remove("n")),
        ];
        for change in changes {
            let mut entry = good.clone();
            change(&mut entry);
            assert_eq!(
                entry.open(&masters, &connection().id).await.unwrap_err(),
                SealError::Refused
            );
        }
        assert!(good.open(&masters, &"acme-other".parse().unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn dropping_a_secret_makes_the_entry_unreadable() {
        let masters = MasterKeys::from(MasterKey::generate().unwrap());
        let mut json = serde_json::to_value(Entry::seal(&masters, &connection()).await.unwrap()).unwrap();
        json["sealed"]["fields"]
            .as_object_mut()
            .unwrap()
            .remove("token")
            .unwrap();
        let entry: Entry = serde_json::from_value(json).unwrap();
        assert_eq!(
            entry.open(&masters, &connection().id).await.unwrap_err(),
            SealError::Refused
        );
    }
}
