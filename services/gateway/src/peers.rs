//! The services that are asked, by gRPC, each on behalf of the principal of a request.
//!
//! Connections are made when first needed and again after they broke; a service that is away is an answer of its own
//! (UNAVAILABLE), so that a page can show the rest.

use std::sync::Arc;
use std::time::Duration;

use puente_proto::documents::documents_client::DocumentsClient;
use puente_proto::ingress::deliveries_client::DeliveriesClient;
use puente_proto::ingress::replays_client::ReplaysClient;
use puente_proto::notifications::message_queries_client::MessageQueriesClient;
use puente_proto::ocr::capture_commands_client::CaptureCommandsClient;
use puente_proto::ocr::capture_queries_client::CaptureQueriesClient;
use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::orders::assets_client::AssetsClient;
use puente_proto::orders::directory_client::DirectoryClient;
use puente_proto::orders::order_commands_client::OrderCommandsClient;
use puente_proto::orders::order_queries_client::OrderQueriesClient;
use puente_proto::signature::signature_commands_client::SignatureCommandsClient;
use puente_proto::signature::signature_queries_client::SignatureQueriesClient;
use puente_proto::sync::tasks_client::TasksClient;
use puente_rpc::{Caller, Calls, KeyError, RpcKeys};
use puente_types::Clock;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::config::Config;
use crate::domain::Principal;

/// Longest answer: a page of raw bodies.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// One service that is asked.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    calls: Calls,
    channel: Channel,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    ingress: Option<Peer>,
    orders: Option<Peer>,
    notifications: Option<Peer>,
    signature: Option<Peer>,
    ocr: Option<Peer>,
    sync: Option<Peer>,
}

/// Why services cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// An address that is none.
    #[error("`{0}` is no address of a service")]
    Address(String),
    /// The key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Peers {
    /// The services of the configuration; nothing is connected yet.
    /// Without an rpc key nobody can be asked.
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, PeerError> {
        if config.rpc_key.expose().is_empty() {
            tracing::warn!("there is no rpc key: no service can be asked");
            return Ok(Self {
                ingress: None,
                orders: None,
                notifications: None,
                signature: None,
                ocr: None,
                sync: None,
            });
        }
        let keys = RpcKeys::parse(&config.rpc_key)?;
        let deadline = Duration::from_millis(config.call_ms.get().into());
        let peer = |name: &'static str, url: &str| {
            if url.is_empty() {
                return Ok::<_, PeerError>(None);
            }
            let endpoint =
                Endpoint::from_shared(url.to_owned()).map_err(|_| PeerError::Address(url.to_owned()))?;
            let channel = endpoint
                .connect_timeout(deadline)
                .tcp_nodelay(true)
                .connect_lazy();
            let calls = Calls::new(keys.clone(), name, clock.clone(), deadline);
            Ok(Some(Peer { name, calls, channel }))
        };
        Ok(Self {
            ingress: peer("ingress", &config.ingress_url)?,
            orders: peer("orders", &config.orders_url)?,
            notifications: peer("notifications", &config.notifications_url)?,
            signature: peer("signature", &config.signature_url)?,
            ocr: peer("ocr", &config.ocr_url)?,
            sync: peer("sync", &config.sync_url)?,
        })
    }

    /// Every service that is configured: each answers [`OperationsClient`].
    pub(crate) fn all(&self) -> impl Iterator<Item = &Peer> {
        [
            &self.ingress,
            &self.notifications,
            &self.ocr,
            &self.orders,
            &self.signature,
            &self.sync,
        ]
        .into_iter()
        .flatten()
    }

    /// Those that keep documents: each answers [`DocumentsClient`].
    pub(crate) fn keepers(&self) -> impl Iterator<Item = &Peer> {
        [&self.ocr, &self.orders, &self.signature].into_iter().flatten()
    }

    /// Whether all of those are configured that keep documents.
    pub(crate) const fn all_keepers(&self) -> bool {
        self.ocr.is_some() && self.orders.is_some() && self.signature.is_some()
    }

    /// Ingress.
    pub(crate) fn ingress(&self) -> Result<&Peer, Status> {
        connected(self.ingress.as_ref(), "ingress")
    }

    /// Orders.
    pub(crate) fn orders(&self) -> Result<&Peer, Status> {
        connected(self.orders.as_ref(), "orders")
    }

    /// Notifications.
    pub(crate) fn notifications(&self) -> Result<&Peer, Status> {
        connected(self.notifications.as_ref(), "notifications")
    }

    /// Signature.
    pub(crate) fn signature(&self) -> Result<&Peer, Status> {
        connected(self.signature.as_ref(), "signature")
    }

    /// Ocr.
    pub(crate) fn ocr(&self) -> Result<&Peer, Status> {
        connected(self.ocr.as_ref(), "ocr")
    }

    /// Sync.
    pub(crate) fn sync(&self) -> Result<&Peer, Status> {
        connected(self.sync.as_ref(), "sync")
    }
}

fn connected<'a>(peer: Option<&'a Peer>, name: &str) -> Result<&'a Peer, Status> {
    peer.ok_or_else(|| Status::unavailable(format!("{name} is not connected")))
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $client:ident),* $(,)?) => {
        $($(#[$doc])*
        pub(crate) fn $name(&self) -> $client<Channel> {
            $client::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
        })*
    };
}

impl Peer {
    /// The message as a call on behalf of `principal`.
    pub(crate) fn ask<T>(&self, principal: &Principal, message: T) -> Result<Request<T>, Status> {
        self.ask_as(&principal.caller(), message)
    }

    /// The message as a call on behalf of somebody who made no request: the gateway itself.
    pub(crate) fn ask_as<T>(&self, caller: &Caller, message: T) -> Result<Request<T>, Status> {
        self.calls
            .request(caller, message)
            .map_err(|_| Status::internal("the caller cannot be named"))
    }

    clients! {
        /// Its own work: events, dead letters, effects, health.
        operations: OperationsClient,
        /// What came in; ingress only.
        deliveries: DeliveriesClient,
        /// Doing it again; ingress only.
        replays: ReplaysClient,
        /// Orders, clients, conversations; orders only.
        order_queries: OrderQueriesClient,
        /// What people do to orders; orders only.
        order_commands: OrderCommandsClient,
        /// Messages to people; notifications only.
        messages: MessageQueriesClient,
        /// Agents and service providers; orders only.
        directory: DirectoryClient,
        /// Equipment and its record sheets; orders only.
        assets: AssetsClient,
        /// Photographs of plates and what was read; ocr only.
        captures: CaptureQueriesClient,
        /// What people do to them; ocr only.
        capture_commands: CaptureCommandsClient,
        /// Documents; ocr, orders and signature.
        documents: DocumentsClient,
        /// Signature requests and accounts; signature only.
        signatures: SignatureQueriesClient,
        /// What people do to them; signature only.
        signature_commands: SignatureCommandsClient,
        /// Orders as tasks in a task manager; sync only.
        tasks: TasksClient,
    }
}
