//! The writer's side of the connections: what the bucket says, checked, copied and noted.
//!
//! The copy is written first and the book second, so that what readers see is never ahead of what a restart would
//! serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use puente_ports::Connection;
use puente_types::ConnectionId;
use sqlx::PgPool;

use crate::entry::Entry;
use crate::snapshot::{ProblemKind, Snapshot};
use crate::store::StoreError;
use crate::{MasterKeys, copies};

/// Where changes come from and go to; a fixed set has none.
pub(crate) struct Source {
    pub(crate) pool: PgPool,
    pub(crate) masters: MasterKeys,
    pub(crate) known: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

/// What the writer knows beyond what readers see.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) version: u64,
    held: BTreeMap<ConnectionId, (Entry, Arc<Connection>)>,
    problems: BTreeMap<String, ProblemKind>,
}

/// What the bucket said about one key.
pub(crate) struct Change {
    pub(crate) key: String,
    pub(crate) revision: u64,
    /// The value; `None` for a delete marker.
    pub(crate) value: Option<bytes::Bytes>,
}

impl Source {
    /// Every copy, opened or with its problem.
    pub(crate) async fn load(&self) -> Result<Book, StoreError> {
        let mut book = Book {
            version: 1,
            ..Book::default()
        };
        for (key, read) in copies::load(&self.pool).await? {
            let opened = self.opened(&key, read).await?;
            book.note(key, opened);
        }
        Ok(book)
    }

    /// Applies one change to the copy and the book; says whether readers will see a difference.
    pub(crate) async fn take(&self, book: &mut Book, change: Change) -> Result<bool, StoreError> {
        let Change { key, revision, value } = change;
        let Some(value) = value else {
            copies::delete(&self.pool, &key, revision).await?;
            let held = key
                .parse()
                .is_ok_and(|id: ConnectionId| book.held.remove(&id).is_some());
            let problem = book.problems.remove(&key).is_some();
            if held {
                tracing::info!(connection = %key, "Connection `{key}` was removed");
            }
            return Ok(held || problem);
        };
        let read: Result<Entry, _> = serde_json::from_slice(&value).map_err(|_| ProblemKind::Value);
        if let (Ok(entry), Ok(id)) = (&read, key.parse::<ConnectionId>())
            && book.held.get(&id).is_some_and(|(held, _)| held == entry)
        {
            return Ok(book.problems.remove(&key).is_some());
        }
        let opened = self.opened(&key, read).await?;
        if let Ok((entry, _)) = &opened {
            copies::put(&self.pool, &key, entry, revision).await?;
            tracing::info!(connection = %key, provider = %entry.provider, "Connection `{key}` was loaded");
        }
        Ok(book.note(key, opened))
    }

    /// What came of opening an entry. A vault that does not answer says nothing about the entry: whoever asked tries
    /// again.
    async fn opened(
        &self,
        key: &str,
        read: Result<Entry, ProblemKind>,
    ) -> Result<Result<(Entry, Arc<Connection>), ProblemKind>, StoreError> {
        let opened = match read {
            Ok(entry) => self.open(key, entry).await,
            Err(kind) => Err(kind),
        };
        match opened {
            Err(ProblemKind::Sealed(error)) if error.is_temporary() => Err(StoreError::Vault(error)),
            opened => Ok(opened),
        }
    }

    async fn open(&self, key: &str, entry: Entry) -> Result<(Entry, Arc<Connection>), ProblemKind> {
        let id: ConnectionId = key.parse().map_err(|_| ProblemKind::Key)?;
        if !(self.known)(&entry.provider) {
            return Err(ProblemKind::Provider);
        }
        let connection = Arc::new(entry.open(&self.masters, &id).await?);
        Ok((entry, connection))
    }
}

impl Book {
    /// Notes a connection, or the problem with it; says whether anything is different now.
    pub(crate) fn note(
        &mut self,
        key: String,
        opened: Result<(Entry, Arc<Connection>), ProblemKind>,
    ) -> bool {
        match opened {
            Ok((entry, connection)) => {
                self.problems.remove(&key);
                self.held.insert(connection.id.clone(), (entry, connection));
                true
            }
            Err(kind) => {
                if self.problems.get(&key) == Some(&kind) {
                    return false;
                }
                tracing::error!(connection = %key, reason = %kind, "Connection `{key}` is kept aside: {kind}");
                self.problems.insert(key, kind);
                true
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::new(
            self.version,
            self.held.values().map(|(_, connection)| connection),
            &self.problems,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    #[tokio::test]
    async fn a_problem_is_told_once_and_leaves_the_former_connection() {
        let masters = MasterKeys::from(MasterKey::generate().unwrap());
        let former = Connection {
            id: "a".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            provider: "chat".to_owned(),
            account: None,
            settings: serde_json::Map::new(),
            secrets: puente_types::Secrets::default(),
        };
        let entry = Entry::seal(&masters, &former).await.unwrap();
        let mut book = Book::default();
        assert!(book.note("a".to_owned(), Ok((entry, Arc::new(former)))));
        assert!(book.note("a".to_owned(), Err(ProblemKind::Provider)));
        assert!(!book.note("a".to_owned(), Err(ProblemKind::Provider)));
        let snapshot = book.snapshot();
        assert_eq!(snapshot.all.len(), 1);
        assert_eq!(snapshot.problems.len(), 1);
    }
}
