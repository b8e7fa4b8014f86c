//! The connections of a service: read from memory, changed by what the bucket says.
//!
//! Readers take the current [`Snapshot`] without a lock. The one writer is [`Connections::run`], through the [`Book`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_nats::Client;
use puente_ports::Connection;
use puente_types::{ConnectionId, SystemClock};
use sqlx::PgPool;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Change, Source};
use crate::snapshot::{Problem, Snapshot};
use crate::{MasterKeys, SealError, expiry};

/// The copies cannot be read, opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer.
    #[error("the copies of the connections cannot be reached in the database")]
    Database(#[from] sqlx::Error),
    /// The master key is out of reach for now.
    #[error("the connections cannot be opened now")]
    Vault(#[source] SealError),
}

/// Every connection that this service may use. Cloning is cheap, and all clones see the same.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.0.snapshot.load();
        write!(
            f,
            "Connections({}, version {})",
            snapshot.all.len(),
            snapshot.version
        )
    }
}

struct Inner {
    snapshot: ArcSwap<Snapshot>,
    book: Mutex<Book>,
    source: Option<Source>,
    versions: watch::Sender<u64>,
}

impl Connections {
    /// Loads the last-seen copies. `pool` is the service's own schema, with a role that sees every tenant's rows.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(pool: PgPool, masters: MasterKeys) -> Result<Self, StoreError> {
        Self::open_known(pool, masters, |_| true).await
    }

    /// As [`Connections::open`], but keeps aside connections to providers that `known` does not know.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open_known(
        pool: PgPool,
        masters: MasterKeys,
        known: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let source = Source {
            pool,
            masters,
            known: Box::new(known),
        };
        let book = source.load().await?;
        Ok(Self::with(book, Some(source)))
    }

    /// A set that never changes; for tests, and for tools that need no broker.
    #[must_use]
    pub fn fixed(connections: Vec<Connection>) -> Self {
        let by_id: BTreeMap<_, _> = connections
            .into_iter()
            .map(|c| (c.id.clone(), Arc::new(c)))
            .collect();
        let snapshot = Snapshot::new(1, by_id.values(), &BTreeMap::new());
        Self(Arc::new(Inner {
            snapshot: ArcSwap::from_pointee(snapshot),
            book: Mutex::default(),
            source: None,
            versions: watch::Sender::new(1),
        }))
    }

    fn with(book: Book, source: Option<Source>) -> Self {
        Self(Arc::new(Inner {
            snapshot: ArcSwap::from_pointee(book.snapshot()),
            versions: watch::Sender::new(book.version),
            book: Mutex::new(book),
            source,
        }))
    }

    /// Follows the bucket until `shutdown`; to be spawned once. Never gives up: while the broker is away the
    /// connections stay as they are. Warns of secrets that end soon, too.
    pub async fn run(self, client: Client, shutdown: CancellationToken) {
        let following = async {
            if self.0.source.is_some() {
                crate::watch::run(&self, &client, &shutdown).await;
            } else {
                shutdown.cancelled().await;
            }
        };
        // Dates are the operator's, in days: the machine's clock will do.
        tokio::join!(following, expiry::run(&self, &SystemClock, &shutdown));
    }

    /// The connection of this name.
    #[must_use]
    pub fn get(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.0.snapshot.load().by_id.get(id).map(Arc::clone)
    }

    /// Every connection, by id.
    #[must_use]
    pub fn all(&self) -> Arc<[Arc<Connection>]> {
        Arc::clone(&self.0.snapshot.load().all)
    }

    /// Every connection to a provider, by id.
    #[must_use]
    pub fn of_provider(&self, slug: &str) -> Arc<[Arc<Connection>]> {
        self.0.snapshot.load().of_provider(slug)
    }

    /// Every connection that answers for an account at a provider: its `account` is this one, or its setting
    /// `accounts` lists it.
    #[must_use]
    pub fn by_account(&self, slug: &str, account: &str) -> Arc<[Arc<Connection>]> {
        self.0.snapshot.load().by_account(slug, account)
    }

    /// What is kept aside because this service cannot use it.
    #[must_use]
    pub fn problems(&self) -> Arc<[Problem]> {
        Arc::clone(&self.0.snapshot.load().problems)
    }

    /// Counts up with every change to connections or problems.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.snapshot.load().version
    }

    /// The version as it changes, for whoever must act on changes.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.0.versions.subscribe()
    }

    /// Clears from memory what has been there for long enough.
    pub(crate) fn tidy(&self) {
        if let Some(source) = &self.0.source {
            source.masters.forget_old();
        }
    }

    /// Takes in what the bucket said, in the order it was said.
    pub(crate) async fn take(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let Some(source) = &self.0.source else {
            return Ok(());
        };
        let mut book = self.0.book.lock().await;
        let mut changed = false;
        let mut result = Ok(());
        for change in changes {
            match source.take(&mut book, change).await {
                Ok(it_did) => changed |= it_did,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if changed {
            book.version += 1;
            self.0.snapshot.store(Arc::new(book.snapshot()));
            self.0.versions.send_replace(book.version);
        }
        result
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
