//! Where somebody is written to who is named by their number alone: a service provider, an agent.
//!
//! By the connection that they wrote to last, since that is where they agreed to be written to, and where they would have
//! said that they want no more; else by the tenant's only one, or the one that is marked `default = true`.

use puente_outbox::Tx;
use puente_ports::Registry;
use puente_types::TenantId;
use puente_vault::Connections;

use crate::infrastructure::store::contact;
use crate::infrastructure::wire::To;

/// The ways to people.
pub(crate) struct Reach {
    pub(crate) connections: Connections,
    pub(crate) registry: Registry,
}

impl Reach {
    /// Completes an address without a connection; it stays as it is when there is none to choose.
    pub(crate) async fn complete(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        mut to: To,
    ) -> Result<To, sqlx::Error> {
        if !to.connection.is_empty() || to.contact_id.is_empty() {
            return Ok(to);
        }
        let talks = |slug: &str| (self.registry)(slug).is_some_and(|provider| provider.message().is_some());
        let own = self.connections.of_tenant(tenant, talks);
        let ids: Vec<String> = own.iter().map(|connection| connection.id.to_string()).collect();
        let wrote_to = contact::last_connection(tx, tenant, &ids, &to.contact_id).await?;
        let chosen = match (&wrote_to, own.as_slice()) {
            (Some(id), _) => own.iter().find(|connection| connection.id.as_str() == id),
            (None, [only]) => Some(only),
            (None, _) => own.iter().find(|connection| connection.is_default()),
        };
        if let Some(connection) = chosen {
            to.provider.clone_from(&connection.provider);
            connection.id.as_str().clone_into(&mut to.connection);
        }
        Ok(to)
    }
}
