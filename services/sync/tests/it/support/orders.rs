//! Orders' door, with real gRPC and real tokens: tells of the orders that the test has given it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use puente_proto::orders::directory_server::{Directory, DirectoryServer};
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::order_queries_server::{OrderQueries, OrderQueriesServer};
use puente_proto::orders::{
    CountOrdersRequest, CountOrdersResponse, GetClientRequest, GetClientResponse, GetConversationRequest,
    GetConversationResponse, GetJournalRequest, GetJournalResponse, GetOrderRequest, GetOrderResponse,
    GetPersonRequest, GetPersonResponse, ListClientsRequest, ListClientsResponse, ListConversationsRequest,
    ListConversationsResponse, ListOrdersRequest, ListOrdersResponse, ListPeopleRequest, ListPeopleResponse,
    LookUpClientRequest, LookUpClientResponse, OrderSummary, Person, PutPersonRequest, PutPersonResponse,
};
use puente_rpc::{Door, answer};
use puente_types::{Secret, SystemClock};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::KEY;

/// The door.
pub(crate) struct OrdersDoor {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By tenant and id.
    orders: HashMap<(String, String), OrderSummary>,
    asked: usize,
}

impl OrdersDoor {
    pub(crate) async fn open() -> Self {
        let clock = Arc::new(SystemClock);
        let door = Door::open(([127, 0, 0, 1], 0).into(), &Secret::new(KEY), "orders", clock)
            .await
            .unwrap()
            .unwrap();
        let address = door.address().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let desk = Desk(Arc::clone(&state));
        let routes =
            Routes::new(OrderQueriesServer::new(desk.clone())).add_service(DirectoryServer::new(desk));
        tokio::spawn(door.serve(routes, CancellationToken::new()));
        Self { address, state }
    }

    /// A tenant has an order.
    pub(crate) fn has(&self, tenant: &str, order: OrderSummary) {
        let key = (tenant.to_owned(), order.order_id.clone());
        self.state.lock().unwrap().orders.insert(key, order);
    }

    /// How often it was asked for an order.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

#[derive(Clone)]
struct Desk(Arc<Mutex<State>>);

fn not_played<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not played"))
}

#[tonic::async_trait]
impl OrderQueries for Desk {
    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        answer("OrderQueries/GetOrder", request, async |caller, question| {
            let tenant = caller.tenant()?.to_string();
            let Some(Key::OrderId(id)) = question.key else {
                return Err(Status::invalid_argument("no id"));
            };
            let mut state = self.0.lock().unwrap();
            state.asked += 1;
            let order = state.orders.get(&(tenant, id)).cloned();
            let order = Some(order.ok_or_else(|| Status::not_found("no such order"))?);
            Ok(GetOrderResponse { order })
        })
        .await
    }

    async fn list_orders(
        &self,
        _: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        not_played()
    }

    async fn get_journal(
        &self,
        _: Request<GetJournalRequest>,
    ) -> Result<Response<GetJournalResponse>, Status> {
        not_played()
    }

    async fn list_clients(
        &self,
        _: Request<ListClientsRequest>,
    ) -> Result<Response<ListClientsResponse>, Status> {
        not_played()
    }

    async fn get_client(&self, _: Request<GetClientRequest>) -> Result<Response<GetClientResponse>, Status> {
        not_played()
    }

    async fn look_up_client(
        &self,
        _: Request<LookUpClientRequest>,
    ) -> Result<Response<LookUpClientResponse>, Status> {
        not_played()
    }

    async fn list_conversations(
        &self,
        _: Request<ListConversationsRequest>,
    ) -> Result<Response<ListConversationsResponse>, Status> {
        not_played()
    }

    async fn get_conversation(
        &self,
        _: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        not_played()
    }

    async fn count_orders(
        &self,
        _: Request<CountOrdersRequest>,
    ) -> Result<Response<CountOrdersResponse>, Status> {
        not_played()
    }
}

#[tonic::async_trait]
impl Directory for Desk {
    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        answer("Directory/GetPerson", request, async |_, question| {
            if question.person_id == "stranger" {
                return Err(Status::not_found("no such person"));
            }
            let person = Some(Person {
                email: format!("{}@example.test", question.person_id),
                person_id: question.person_id,
                ..Person::default()
            });
            Ok(GetPersonResponse { person })
        })
        .await
    }

    async fn list_people(
        &self,
        _: Request<ListPeopleRequest>,
    ) -> Result<Response<ListPeopleResponse>, Status> {
        not_played()
    }

    async fn put_person(&self, _: Request<PutPersonRequest>) -> Result<Response<PutPersonResponse>, Status> {
        not_played()
    }
}
