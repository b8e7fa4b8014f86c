//! A service that this one asks.

use std::sync::Arc;
use std::time::Duration;

use puente_types::{Clock, Secret};
use tonic::transport::{Channel, Endpoint};

use crate::{Calls, KeyError, RpcKeys};

/// Where another service is asked, and in what form.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The road to it.
    pub channel: Channel,
    /// What every call to it carries.
    pub calls: Calls,
}

/// Why another service cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The key is not usable.
    #[error("the rpc key is not usable")]
    Key(#[from] KeyError),
    /// Its address is none.
    #[error("where {audience} answers is no address")]
    Address {
        /// The service.
        audience: &'static str,
        /// Why not.
        source: tonic::transport::Error,
    },
}

impl Peer {
    /// The service `audience` at `address`. Nothing is connected yet; connecting may take `deadline` as well as each call.
    ///
    /// # Errors
    /// When the address is none.
    pub fn at(
        address: &str,
        keys: RpcKeys,
        audience: &'static str,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Result<Self, PeerError> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|source| PeerError::Address { audience, source })?;
        Ok(Self {
            channel: endpoint
                .connect_timeout(deadline)
                .tcp_nodelay(true)
                .connect_lazy(),
            calls: Calls::new(keys, audience, clock, deadline),
        })
    }

    /// The same as it is configured: `None` without a key to sign with, or without an address.
    ///
    /// # Errors
    /// When the key or the address is not usable.
    pub fn configured(
        address: &str,
        rpc_key: &Secret,
        audience: &'static str,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Result<Option<Self>, PeerError> {
        if rpc_key.expose().is_empty() {
            return Ok(None);
        }
        let keys = RpcKeys::parse(rpc_key)?;
        if address.is_empty() {
            return Ok(None);
        }
        Self::at(address, keys, audience, clock, deadline).map(Some)
    }
}
