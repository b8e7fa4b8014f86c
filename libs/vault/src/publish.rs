//! Putting connections into the bucket; for the command line today, for the gateway later.
//!
//! Writes compare the revision they read, so two people who apply at once cannot undo each other unseen. Applying
//! is repeatable: after any error, apply again.

use std::collections::BTreeMap;

use async_nats::Client;
use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use futures::TryStreamExt;
use puente_ports::Connection;
use puente_types::{ConnectionId, Secrets, TenantId};

use crate::account::{self, Holders, accounts};
use crate::entry::Entry;
use crate::{MasterKeys, SealError, bucket};

/// What applying did, by connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// New in the bucket.
    pub created: Vec<ConnectionId>,
    /// Different from before, or sealed under a former master key.
    pub updated: Vec<ConnectionId>,
    /// Left alone.
    pub unchanged: Vec<ConnectionId>,
}

/// A connection as it may be shown: no secret's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its name.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The account at the provider.
    pub account: Option<String>,
    /// Settings by name.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// The id of the master key that it is sealed under.
    pub master: String,
}

/// Why the bucket could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The broker did not do it, or did not say that it did.
    #[error("the broker does not answer for the bucket of connections; nothing is lost by trying again")]
    Broker(#[source] async_nats::Error),
    /// Somebody else wrote meanwhile.
    #[error("connection `{0}` was changed by somebody else meanwhile; try again")]
    Conflict(ConnectionId),
    /// Two connections for one account.
    #[error("connection `{connection}`: account `{account}` is already that of connection `{holder}`")]
    AccountTaken {
        /// The one refused.
        connection: ConnectionId,
        /// The account.
        account: String,
        /// The id of the connection that has it.
        holder: String,
    },
    /// It could not be sealed or opened.
    #[error("connection `{connection}`")]
    Seal {
        /// Which.
        connection: ConnectionId,
        /// Why.
        #[source]
        cause: SealError,
    },
}

/// The bucket.
pub(crate) async fn store(client: &Client) -> Result<Store, PublishError> {
    bucket::ensure(client).await.map_err(broker)
}

fn broker(cause: impl Into<async_nats::Error>) -> PublishError {
    PublishError::Broker(cause.into())
}

/// Seals these connections and puts those that differ into the bucket. Connections that are not named stay.
///
/// # Errors
/// An account held by another connection is refused before anything is written; an error of the broker may leave
/// some written.
pub async fn apply(
    client: &Client,
    masters: &MasterKeys,
    connections: Vec<Connection>,
) -> Result<Applied, PublishError> {
    let store = bucket::ensure(client).await.map_err(broker)?;
    let present = read(&store).await?;
    check_accounts(&connections, &present)?;
    let mut applied = Applied::default();
    for connection in connections {
        let id = connection.id.clone();
        let before = present.get(&id);
        if let Some((_, entry)) = before
            && same(masters, entry, &connection).await?
        {
            applied.unchanged.push(id);
            continue;
        }
        let entry = seal(masters, &connection).await?;
        write(&store, &id, &entry, before.map(|(revision, _)| *revision)).await?;
        if before.is_some() {
            applied.updated.push(id);
        } else {
            applied.created.push(id);
        }
    }
    Ok(applied)
}

/// Removes a connection everywhere; says whether the bucket had it.
///
/// The marker is written in any case: services may still hold a copy of what a wiped bucket no longer knows.
///
/// # Errors
/// When the broker does not confirm it.
pub async fn remove(client: &Client, id: &ConnectionId) -> Result<bool, PublishError> {
    let store = bucket::ensure(client).await.map_err(broker)?;
    let present = store.get(id.as_str()).await.map_err(broker)?.is_some();
    store.delete(id.as_str()).await.map_err(broker)?;
    Ok(present)
}

/// What the bucket holds, without any secret's value.
///
/// # Errors
/// When the broker does not answer.
pub async fn list(client: &Client) -> Result<Vec<Listed>, PublishError> {
    let store = bucket::ensure(client).await.map_err(broker)?;
    let listed = read(&store).await?.into_iter().map(|(id, (_, entry))| Listed {
        id,
        secrets: entry.secret_names().map(str::to_owned).collect(),
        master: entry.sealed.master().to_owned(),
        tenant: entry.tenant,
        provider: entry.provider,
        account: entry.account,
        settings: entry.settings,
    });
    Ok(listed.collect())
}

/// Every readable entry with its revision. Others are overwritten or removed like any entry, but not listed.
pub(crate) async fn read(store: &Store) -> Result<BTreeMap<ConnectionId, (u64, Entry)>, PublishError> {
    let keys: Vec<String> = store
        .keys()
        .await
        .map_err(broker)?
        .try_collect()
        .await
        .map_err(broker)?;
    let mut present = BTreeMap::new();
    for key in keys {
        let Ok(id) = key.parse::<ConnectionId>() else {
            continue;
        };
        let Some(found) = store.entry(key).await.map_err(broker)? else {
            continue;
        };
        if found.operation == Operation::Put
            && let Ok(entry) = serde_json::from_slice(&found.value)
        {
            present.insert(id, (found.revision, entry));
        }
    }
    Ok(present)
}

pub(crate) async fn write(
    store: &Store,
    id: &ConnectionId,
    entry: &Entry,
    revision: Option<u64>,
) -> Result<(), PublishError> {
    let value = serde_json::to_vec(entry).map_err(broker)?.into();
    let key = id.as_str();
    match revision {
        None => store
            .create(key, value)
            .await
            .map(drop)
            .map_err(|e| match e.kind() {
                CreateErrorKind::AlreadyExists => PublishError::Conflict(id.clone()),
                _ => broker(e),
            }),
        Some(revision) => store
            .update(key, value, revision)
            .await
            .map(drop)
            .map_err(|e| match e.kind() {
                UpdateErrorKind::WrongLastRevision => PublishError::Conflict(id.clone()),
                _ => broker(e),
            }),
    }
}

async fn seal(masters: &MasterKeys, connection: &Connection) -> Result<Entry, PublishError> {
    Entry::seal(masters, connection)
        .await
        .map_err(|cause| PublishError::Seal {
            connection: connection.id.clone(),
            cause,
        })
}

/// Whether the bucket already holds this, sealed under today's key.
async fn same(masters: &MasterKeys, entry: &Entry, wanted: &Connection) -> Result<bool, PublishError> {
    let failed = |cause| PublishError::Seal {
        connection: wanted.id.clone(),
        cause,
    };
    if !masters.is_current(&entry.sealed).await.map_err(failed)? {
        return Ok(false);
    }
    let present = match entry.open(masters, &wanted.id).await {
        Ok(present) => present,
        Err(error) if error.is_temporary() => return Err(failed(error)),
        Err(_) => return Ok(false),
    };
    Ok(present.tenant == wanted.tenant
        && present.provider == wanted.provider
        && present.account == wanted.account
        && present.settings == wanted.settings
        && same_secrets(&present.secrets, &wanted.secrets))
}

/// Both sides are the operator's own, so the comparison need not hide how long it takes.
fn same_secrets(one: &Secrets, other: &Secrets) -> bool {
    one.iter()
        .map(|(name, secret)| (name, secret.expose()))
        .eq(other.iter().map(|(name, secret)| (name, secret.expose())))
}

/// An account belongs to one connection, in what is applied and in what the bucket keeps besides.
fn check_accounts(
    connections: &[Connection],
    present: &BTreeMap<ConnectionId, (u64, Entry)>,
) -> Result<(), PublishError> {
    let mut holders = Holders::default();
    for (id, (_, entry)) in present
        .iter()
        .filter(|(id, _)| !connections.iter().any(|c| c.id == **id))
    {
        for account in account::of(entry.account.as_deref(), &entry.settings) {
            holders.claim(&entry.provider, account, id.as_str());
        }
    }
    for connection in connections {
        for account in accounts(connection) {
            if let Some(holder) = holders.claim(&connection.provider, account, connection.id.as_str()) {
                return Err(PublishError::AccountTaken {
                    connection: connection.id.clone(),
                    account: account.to_owned(),
                    holder: holder.to_owned(),
                });
            }
        }
    }
    Ok(())
}
