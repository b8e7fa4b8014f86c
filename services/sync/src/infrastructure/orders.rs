//! Asking orders for an order that a task is to be made of.

use std::time::Duration;

use puente_proto::orders::directory_client::DirectoryClient;
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::order_queries_client::OrderQueriesClient;
use puente_proto::orders::{GetOrderRequest, GetPersonRequest, OrderSummary};
use puente_rpc::{Caller, Calls, Peer, Scope};
use puente_types::{OrderId, TenantId};
use tonic::{Code, Request, Status};

/// Who asks.
const SERVICE: &str = "sync";
/// Two questions fit into the time that a caller waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The way to orders.
#[derive(Clone)]
pub(crate) struct Orders {
    way: Option<Peer>,
}

impl Orders {
    /// By this way; nothing can be asked without one.
    pub(crate) const fn new(way: Option<Peer>) -> Self {
        Self { way }
    }

    /// The order as it stands.
    ///
    /// # Errors
    /// NOT_FOUND when the tenant has no such order, else UNAVAILABLE.
    pub(crate) async fn order(&self, tenant: &TenantId, order: OrderId) -> Result<OrderSummary, Status> {
        let way = self.way()?;
        let question = GetOrderRequest {
            key: Some(Key::OrderId(order.to_string())),
        };
        let request = request(&way.calls, tenant, question)?;
        let mut client = OrderQueriesClient::new(way.channel.clone());
        let asked = tokio::time::timeout(PATIENCE, client.get_order(request)).await;
        let answer = asked.map_err(|_| away())?.map_err(|status| match status.code() {
            Code::NotFound => Status::not_found("there is no such order"),
            _ => away(),
        })?;
        answer.into_inner().order.ok_or_else(away)
    }

    /// The e-mail address of somebody in the directory; empty when there is none.
    ///
    /// # Errors
    /// UNAVAILABLE.
    pub(crate) async fn email(&self, tenant: &TenantId, person: &str) -> Result<String, Status> {
        let way = self.way()?;
        let question = GetPersonRequest {
            person_id: person.to_owned(),
        };
        let request = request(&way.calls, tenant, question)?;
        let mut client = DirectoryClient::new(way.channel.clone());
        let asked = tokio::time::timeout(PATIENCE, client.get_person(request)).await;
        match asked.map_err(|_| away())? {
            Ok(answer) => Ok(answer
                .into_inner()
                .person
                .map(|person| person.email)
                .unwrap_or_default()),
            // An order may name people who are in no directory.
            Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
                Ok(String::new())
            }
            Err(_) => Err(away()),
        }
    }

    fn way(&self) -> Result<&Peer, Status> {
        let unset = "where orders answers is not configured (`orders_url`)";
        self.way
            .as_ref()
            .ok_or_else(|| Status::failed_precondition(unset))
    }
}

fn request<T>(calls: &Calls, tenant: &TenantId, question: T) -> Result<Request<T>, Status> {
    let caller = Caller {
        scope: Scope::Tenant(tenant.clone()),
        subject: SERVICE.to_owned(),
        role: SERVICE.to_owned(),
    };
    calls
        .request(&caller, question)
        .map_err(|_| Status::internal("the caller cannot be put into a token"))
}

fn away() -> Status {
    Status::unavailable("orders does not answer now")
}
