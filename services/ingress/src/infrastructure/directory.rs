//! Which connections an address is for: the same answer for a webhook that comes in and for one that is done again.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use puente_ports::{InboundWebhook, Provider};
use puente_vault::Connections;

use crate::application::{App, Candidates};
use crate::domain::Refusal;

/// The connections, sorted into apps once per change.
pub(crate) struct Directory {
    connections: Connections,
    apps: ArcSwap<KnownApps>,
}

/// Each provider's apps as of a version of the connections.
#[derive(Default)]
struct KnownApps {
    version: u64,
    apps: HashMap<&'static str, Arc<[App]>>,
}

impl Directory {
    pub(crate) fn new(connections: Connections) -> Self {
        Self {
            connections,
            apps: ArcSwap::default(),
        }
    }

    /// How many connections of a provider there are.
    pub(crate) fn count(&self, slug: &str) -> usize {
        self.connections.of_provider(slug).len()
    }

    /// The connections an address is for. An unknown provider, an unknown connection and a foreign one look alike.
    pub(crate) fn candidates(&self, provider: &str, connection: Option<&str>) -> Result<Candidates, Refusal> {
        let provider: &'static dyn Provider =
            puente_providers::find(provider).ok_or(Refusal::UnknownAddress)?;
        let webhook = provider.webhook().ok_or(Refusal::UnknownAddress)?;
        let slug: &'static str = provider.manifest().slug.as_str();
        let apps = match connection {
            None => self.apps(slug, webhook),
            Some(id) => {
                let id = id.parse().map_err(|_| Refusal::UnknownAddress)?;
                let found = self.connections.get(&id).filter(|c| c.provider == slug);
                App::group(webhook, &[found.ok_or(Refusal::UnknownAddress)?])
            }
        };
        Ok(Candidates { provider, apps })
    }

    /// The connections that the address of a stored delivery is for today.
    pub(crate) fn candidates_of_path(&self, provider: &str, path: &str) -> Result<Candidates, Refusal> {
        let named = path
            .strip_prefix("/webhooks/")
            .and_then(|rest| rest.split_once('/'))
            .map(|(_, connection)| connection);
        self.candidates(provider, named)
    }

    /// The apps of a provider, sorted once per change of the connections.
    fn apps(&self, slug: &'static str, webhook: &dyn InboundWebhook) -> Arc<[App]> {
        let version = self.connections.version();
        let known = self.apps.load();
        if let Some(apps) = known.apps.get(slug).filter(|_| known.version == version) {
            return apps.clone();
        }
        let apps = App::group(webhook, &self.connections.of_provider(slug));
        let mut next = if known.version == version {
            known.apps.clone()
        } else {
            HashMap::new()
        };
        next.insert(slug, apps.clone());
        self.apps.store(Arc::new(KnownApps { version, apps: next }));
        apps
    }
}
