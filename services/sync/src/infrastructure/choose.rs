//! Which connection a tenant's tasks are kept by, and what its settings say.

use std::collections::BTreeMap;
use std::sync::Arc;

use puente_ports::{Connection, ProviderError, Registry, TaskManager};
use puente_types::{ConnectionId, TenantId};
use puente_vault::{Connections, Unclear};

/// The setting that lets a task name the client. A task manager is a third party: nobody's name goes there by itself.
const SHOW_CLIENT: &str = "tasks_show_client";
/// The setting that says whom the provider knows an agent as: texts `<agent id>=<user>`.
const ASSIGNEES: &str = "assignees";

/// The tenants' connections to providers that keep tasks.
#[derive(Clone)]
pub(crate) struct Chooser {
    pub(crate) connections: Connections,
    pub(crate) registry: Registry,
    /// What the configuration says of tenants with several.
    pub(crate) named: BTreeMap<TenantId, ConnectionId>,
}

impl Chooser {
    /// The connection of a tenant: the one that is named in the configuration, its only one, or the one that is marked
    /// as the default.
    ///
    /// # Errors
    /// `no_connection`: a person has to set one up, or to name one.
    pub(crate) fn choose(&self, tenant: &TenantId) -> Result<Arc<Connection>, ProviderError> {
        if let Some(named) = self.named.get(tenant) {
            let missing = "the connection that is named for the tenant's tasks is not there, or keeps none";
            return self
                .known(tenant, named.as_str())
                .ok_or_else(|| ProviderError::configuration("no_connection", missing));
        }
        let chosen = self
            .connections
            .choose(tenant, |provider| self.keeps_tasks(provider));
        chosen.map_err(|unclear| {
            let detail = match unclear {
                Unclear::None => "no connection to a task manager is set up",
                Unclear::Several => "several connections keep tasks: name one of them for the tenant",
            };
            ProviderError::configuration("no_connection", detail)
        })
    }

    /// The connection that was chosen before, as long as it is there.
    pub(crate) fn known(&self, tenant: &TenantId, id: &str) -> Option<Arc<Connection>> {
        self.connections
            .known(tenant, id, |provider| self.keeps_tasks(provider))
    }

    /// What is called at a provider.
    ///
    /// # Errors
    /// A configuration error when it keeps no tasks.
    pub(crate) fn adapter(&self, provider: &str) -> Result<&'static dyn TaskManager, ProviderError> {
        let adapter = (self.registry)(provider).and_then(|provider| provider.task());
        adapter.ok_or_else(|| ProviderError::configuration("tasks_missing", "the provider keeps no tasks"))
    }

    /// The provider's name, as people know it.
    pub(crate) fn name(&self, provider: &str) -> String {
        (self.registry)(provider).map_or_else(String::new, |known| known.manifest().name.clone())
    }

    fn keeps_tasks(&self, provider: &str) -> bool {
        (self.registry)(provider).is_some_and(|provider| provider.task().is_some())
    }
}

/// Whether tasks of this connection may name the client.
pub(crate) fn shows_client(connection: &Connection) -> bool {
    connection.is_on(SHOW_CLIENT)
}

/// Whom the provider knows an agent as: what the connection says, else the address in the directory.
pub(crate) fn assignee(connection: &Connection, agent: &str, email: &str) -> Option<String> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    named_assignee(connection, agent).or_else(|| given(email))
}

/// Whom the connection says that the provider knows an agent as.
pub(crate) fn named_assignee(connection: &Connection, agent: &str) -> Option<String> {
    let listed = connection.settings.get(ASSIGNEES)?.as_array()?;
    let pairs = listed.iter().filter_map(|pair| pair.as_str()?.split_once('='));
    let mut fitting = pairs.filter(|(id, user)| id.trim() == agent && !user.trim().is_empty());
    fitting.next().map(|(_, user)| user.trim().to_owned())
}
