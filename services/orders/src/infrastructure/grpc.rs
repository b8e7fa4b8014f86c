//! Questions of other services, as gRPC: decode, ask, encode. Whose data is read is what the caller's token says.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use puente_proto::orders::order_queries_server::{OrderQueries as Service, OrderQueriesServer};
use puente_proto::orders::{
    GetOrderRequest, GetOrderResponse, ListOrdersRequest, ListOrdersResponse, OrderSummary, get_order_request,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, Guard, answer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::store::PgQueries;
use crate::application::list_orders::list_orders;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::ports::OrderQueries as _;
use crate::domain::view::{OrderKey, OrderView};

/// A question is a key or a cursor.
const MAX_QUESTION: usize = 4 * 1024;
/// Headers are a token and a trace.
const MAX_HEADERS: u32 = 8 * 1024;
/// Questions answered at a time; one more is refused, for it would only wait for a database connection.
const AT_A_TIME: usize = 64;
/// Questions under way on one connection.
const PER_CONNECTION: u32 = 64;
/// An answer that takes longer is of no use to a caller.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection whose other end is silent for so long is asked, and closed without an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How long open connections may keep a stopping server waiting.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);
/// What a cursor of this form begins with.
const CURSOR: u8 = 1;

/// The server, bound.
pub(crate) struct Grpc {
    listener: TcpListener,
    guard: Guard,
    queries: PgQueries,
}

impl Grpc {
    /// Listens, and answers nobody yet.
    pub(crate) async fn bind(address: SocketAddr, guard: Guard, queries: PgQueries) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            guard,
            queries,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is told to stop.
    pub(crate) async fn serve(self, stop: CancellationToken) -> Result<(), tonic::transport::Error> {
        let answers = Answers {
            queries: self.queries,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        };
        let service = OrderQueriesServer::new(answers).max_decoding_message_size(MAX_QUESTION);
        let serve = Server::builder()
            .timeout(PATIENCE)
            .max_concurrent_streams(PER_CONNECTION)
            .http2_max_header_list_size(MAX_HEADERS)
            .http2_keepalive_interval(Some(SILENCE))
            .add_service(InterceptedService::new(service, self.guard))
            .serve_with_incoming_shutdown(
                TcpIncoming::from(self.listener).with_nodelay(Some(true)),
                stop.clone().cancelled_owned(),
            );
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(CLOSE_PATIENCE).await;
        };
        tokio::select! {
            result = serve => result,
            () = patience => Ok(()),
        }
    }
}

#[derive(Clone)]
struct Answers {
    queries: PgQueries,
    turns: Arc<Semaphore>,
}

impl Answers {
    async fn in_turn<R>(&self, ask: impl Future<Output = Result<R, Status>>) -> Result<R, Status> {
        let Ok(_turn) = self.turns.try_acquire() else {
            return Err(Status::resource_exhausted("too many questions at a time"));
        };
        ask.await
    }

    async fn get(&self, caller: Caller, question: GetOrderRequest) -> Result<GetOrderResponse, Status> {
        let key = key(question.key)?;
        let found = self.queries.find(&caller.tenant, key).await.map_err(failed)?;
        let order = found.ok_or_else(|| Status::not_found("there is no such order"))?;
        Ok(GetOrderResponse {
            order: Some(summary(order)),
        })
    }

    async fn list(&self, caller: Caller, question: ListOrdersRequest) -> Result<ListOrdersResponse, Status> {
        let below = below(&question.cursor)?;
        let page = list_orders(&self.queries, &caller.tenant, below, question.page_size)
            .await
            .map_err(failed)?;
        Ok(ListOrdersResponse {
            orders: page.orders.into_iter().map(summary).collect(),
            next_cursor: page.next.map(cursor).unwrap_or_default(),
        })
    }
}

#[tonic::async_trait]
impl Service for Answers {
    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        answer("OrderQueries/GetOrder", request, |caller, question| {
            self.in_turn(self.get(caller, question))
        })
        .await
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        answer("OrderQueries/ListOrders", request, |caller, question| {
            self.in_turn(self.list(caller, question))
        })
        .await
    }
}

fn key(key: Option<get_order_request::Key>) -> Result<OrderKey, Status> {
    let key = match key {
        Some(get_order_request::Key::OrderId(id)) => {
            Uuid::try_parse(&id).ok().map(|id| OrderKey::Id(id.into()))
        }
        Some(get_order_request::Key::Number(number)) => OrderNumber::read(&number).map(OrderKey::Number),
        None => None,
    };
    key.ok_or_else(|| Status::invalid_argument("give an order's id or its number"))
}

fn cursor(number: OrderNumber) -> String {
    let mut bytes = vec![CURSOR];
    bytes.extend(number.count().to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn below(cursor: &str) -> Result<Option<OrderNumber>, Status> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let number = match bytes.split_first() {
        Some((&CURSOR, count)) => <[u8; 8]>::try_from(count).ok().map(i64::from_be_bytes),
        _ => None,
    };
    let number = number.and_then(OrderNumber::new);
    number
        .map(Some)
        .ok_or_else(|| Status::invalid_argument("the cursor is none of ours"))
}

fn summary(order: OrderView) -> OrderSummary {
    OrderSummary {
        order_id: order.id.to_string(),
        number: order.number.to_string(),
        state: order.state.name().to_owned(),
        service: order.service,
        description: order.description,
        client_name: order.client_name,
        version: order.version,
        opened_at: Some(timestamp(order.opened_at)),
        updated_at: Some(timestamp(order.changed_at)),
    }
}

/// The caller learns whether asking again helps; the log learns why.
fn failed(error: StoreError) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a question was not answered"
    );
    match error {
        StoreError::Unavailable(_) => Status::unavailable("orders cannot be read now"),
        StoreError::Corrupt(_) => Status::internal("an order cannot be read"),
    }
}
