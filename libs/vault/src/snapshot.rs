//! The connections as readers see them: immutable, indexed, replaced as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use puente_ports::Connection;
use puente_types::ConnectionId;

use crate::SealError;
use crate::account::accounts;

/// A list of connections that costs a reader no allocation.
pub(crate) type List = Arc<[Arc<Connection>]>;

/// Something in the bucket or among the copies that this service cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The connection's id, or whatever stands in its place.
    pub connection: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// Why an entry cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// The key is no connection id.
    #[error("its key is no connection id")]
    Key,
    /// The value is not what a connection looks like.
    #[error("its value cannot be read")]
    Value,
    /// This program has no such provider.
    #[error("its provider is unknown here")]
    Provider,
    /// Its secrets cannot be opened.
    #[error(transparent)]
    Sealed(#[from] SealError),
}

/// One state of all connections.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    pub(crate) by_id: HashMap<ConnectionId, Arc<Connection>>,
    pub(crate) all: List,
    by_provider: HashMap<String, List>,
    by_account: HashMap<String, HashMap<String, List>>,
    pub(crate) problems: Arc<[Problem]>,
    /// What a search that finds nothing answers with.
    none: List,
}

impl Snapshot {
    pub(crate) fn new<'a>(
        version: u64,
        connections: impl Iterator<Item = &'a Arc<Connection>>,
        problems: &BTreeMap<String, ProblemKind>,
    ) -> Self {
        let all: Vec<Arc<Connection>> = connections.cloned().collect();
        let mut by_provider: HashMap<String, Vec<Arc<Connection>>> = HashMap::new();
        let mut by_account: HashMap<String, HashMap<String, Vec<Arc<Connection>>>> = HashMap::new();
        for connection in &all {
            by_provider
                .entry(connection.provider.clone())
                .or_default()
                .push(Arc::clone(connection));
            let of_provider = by_account.entry(connection.provider.clone()).or_default();
            for account in accounts(connection) {
                let list = of_provider.entry(account.to_owned()).or_default();
                if list.last().is_none_or(|last| last.id != connection.id) {
                    list.push(Arc::clone(connection));
                }
            }
        }
        Self {
            version,
            by_id: all.iter().map(|c| (c.id.clone(), Arc::clone(c))).collect(),
            by_provider: freeze(by_provider),
            by_account: by_account
                .into_iter()
                .map(|(slug, map)| (slug, freeze(map)))
                .collect(),
            problems: problems
                .iter()
                .map(|(connection, kind)| Problem {
                    connection: connection.clone(),
                    kind: kind.clone(),
                })
                .collect(),
            none: Vec::new().into(),
            all: all.into(),
        }
    }

    pub(crate) fn of_provider(&self, slug: &str) -> List {
        Arc::clone(self.by_provider.get(slug).unwrap_or(&self.none))
    }

    pub(crate) fn by_account(&self, slug: &str, account: &str) -> List {
        let found = self
            .by_account
            .get(slug)
            .and_then(|accounts| accounts.get(account));
        Arc::clone(found.unwrap_or(&self.none))
    }
}

fn freeze(map: HashMap<String, Vec<Arc<Connection>>>) -> HashMap<String, List> {
    map.into_iter().map(|(key, list)| (key, list.into())).collect()
}
