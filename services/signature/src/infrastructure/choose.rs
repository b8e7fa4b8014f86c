//! Which connection an envelope goes by, and what is called for it.

use std::sync::Arc;

use puente_ports::{Connection, ProviderError, Registry, SignatureProvider};
use puente_types::TenantId;
use puente_vault::{Connections, Unclear};

/// The tenants' connections to providers that collect signatures.
#[derive(Clone)]
pub(crate) struct Chooser {
    pub(crate) connections: Connections,
    pub(crate) registry: Registry,
}

impl Chooser {
    /// The connection of a tenant: its only one, or the one that is marked as the default.
    ///
    /// # Errors
    /// `no_connection`: a person has to set one up, or to mark one.
    pub(crate) fn choose(&self, tenant: &TenantId) -> Result<Arc<Connection>, ProviderError> {
        let chosen = self.connections.choose(tenant, |provider| self.signs(provider));
        chosen.map_err(|unclear| {
            let detail = match unclear {
                Unclear::None => "no connection to a signature provider is set up",
                Unclear::Several => {
                    "several connections collect signatures: mark one of them with `default = true`"
                }
            };
            ProviderError::configuration("no_connection", detail)
        })
    }

    /// The connection that was chosen before, as long as it is there.
    pub(crate) fn known(&self, tenant: &TenantId, id: &str) -> Option<Arc<Connection>> {
        self.connections
            .known(tenant, id, |provider| self.signs(provider))
    }

    /// What is called at a provider.
    ///
    /// # Errors
    /// A configuration error when it collects no signatures.
    pub(crate) fn adapter(&self, provider: &str) -> Result<&'static dyn SignatureProvider, ProviderError> {
        let adapter = (self.registry)(provider).and_then(|provider| provider.signature());
        adapter.ok_or_else(|| {
            ProviderError::configuration("signature_missing", "the provider collects no signatures")
        })
    }

    fn signs(&self, provider: &str) -> bool {
        (self.registry)(provider).is_some_and(|provider| provider.signature().is_some())
    }
}
