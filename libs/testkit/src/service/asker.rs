//! Another service, asking in the name of a person.

use std::net::SocketAddr;
use std::sync::Arc;

use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::{KEY, PATIENCE, tenant};

/// Somebody who asks a service.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The way to it, for any client.
    pub channel: Channel,
    /// In whose name.
    pub caller: Caller,
    calls: Calls,
}

impl Asker {
    /// An agent of a tenant, who asks the service at this address.
    pub async fn of(service: &'static str, address: SocketAddr, tenant_name: &str) -> Self {
        Self::with(service, address, Scope::Tenant(tenant(tenant_name))).await
    }

    /// Somebody of this scope.
    pub async fn with(service: &'static str, address: SocketAddr, scope: Scope) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let keys = RpcKeys::parse(&Secret::new(KEY)).expect("a key");
        Self {
            channel: endpoint.connect().await.expect("the service answers"),
            caller: Caller {
                scope,
                subject: "user-7".to_owned(),
                role: "agent".to_owned(),
            },
            calls: Calls::new(keys, service, Arc::new(SystemClock), PATIENCE),
        }
    }

    /// The same person in another role.
    #[must_use]
    pub fn as_role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.caller.role);
        self
    }

    /// The message as a call in their name.
    pub fn signed<T>(&self, message: T) -> Request<T> {
        let request = self.calls.request(&self.caller, message);
        request.expect("a caller who can be named")
    }
}
