//! People who ask and command by gRPC, and orders that are there without a conversation.

use std::sync::Arc;

use puente_proto::orders::directory_client::DirectoryClient;
use puente_proto::orders::order_commands_client::OrderCommandsClient;
use puente_proto::orders::order_queries_client::OrderQueriesClient;
use puente_proto::orders::{
    GetOrderRequest, ListOrdersRequest, ListOrdersResponse, OrderSummary, Person, PutPersonRequest,
    get_order_request::Key,
};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_service::Overrides;
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::support::{PATIENCE, Stage, tenant};

/// 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// 32 other bytes.
pub(crate) const OTHER_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

/// One tenant's person who asks.
pub(crate) struct Asking {
    pub(crate) queries: OrderQueriesClient<Channel>,
    pub(crate) commands: OrderCommandsClient<Channel>,
    pub(crate) directory: DirectoryClient<Channel>,
    calls: Calls,
    pub(crate) caller: Caller,
}

pub(crate) fn calls(key: &str, audience: &'static str) -> Calls {
    let keys = RpcKeys::parse(&Secret::new(key)).unwrap();
    Calls::new(keys, audience, Arc::new(SystemClock), PATIENCE)
}

pub(crate) fn caller(tenant_name: &str) -> Caller {
    Caller {
        scope: Scope::Tenant(tenant(tenant_name)),
        subject: "user-7".to_owned(),
        role: "agent".to_owned(),
    }
}

pub(crate) async fn channel(stage: &Stage) -> Channel {
    let address = stage.grpc.expect("gRPC is served");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let channel = channel(stage).await;
        Self {
            queries: OrderQueriesClient::new(channel.clone()),
            commands: OrderCommandsClient::new(channel.clone()),
            directory: DirectoryClient::new(channel),
            calls: calls(KEY, "orders"),
            caller: caller(tenant_name),
        }
    }

    /// A question or a command of this person.
    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        self.calls.request(&self.caller, message).unwrap()
    }

    pub(crate) async fn list(&self, page_size: u32, cursor: &str) -> Result<ListOrdersResponse, Status> {
        self.find(ListOrdersRequest {
            page_size,
            cursor: cursor.to_owned(),
            ..ListOrdersRequest::default()
        })
        .await
    }

    pub(crate) async fn find(&self, question: ListOrdersRequest) -> Result<ListOrdersResponse, Status> {
        let answer = self.queries.clone().list_orders(self.signed(question)).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn puts(&self, person: Person) -> Result<Person, Status> {
        let wish = PutPersonRequest { person: Some(person) };
        let answer = self.directory.clone().put_person(self.signed(wish)).await?;
        Ok(answer.into_inner().person.unwrap())
    }

    pub(crate) async fn get(&self, key: Option<Key>) -> Result<OrderSummary, Status> {
        let answer = self
            .queries
            .clone()
            .get_order(self.signed(GetOrderRequest { key }))
            .await?;
        Ok(answer.into_inner().order.unwrap())
    }
}

/// Somebody of the directory who can do everything.
pub(crate) fn person(id: &str, kind: &str, name: &str) -> Person {
    Person {
        person_id: id.into(),
        kind: kind.into(),
        name: name.into(),
        email: format!("{id}@ejemplo.co"),
        active: true,
        ..Person::default()
    }
}

pub(crate) async fn served() -> Stage {
    Stage::with(Overrides::default().set("rpc_key", KEY)).await
}

/// Orders of a tenant, numbered from `first` to `last`.
pub(crate) async fn seed(stage: &Stage, tenant_name: &str, first: i64, last: i64) {
    sqlx::query(
        "WITH client AS (
             INSERT INTO clients (id, tenant, name, email, phone, location, registered_at)
             VALUES (gen_random_uuid(), $1, 'Laura', 'laura@correo.co', '+573001234567', 'Medellín', now()) RETURNING id
         )
         INSERT INTO orders (id, tenant, number, version, state, client_id, contact_name, contact_phone, provider,
                             connection, contact_id, service, description, location, channel, opened_at, changed_at)
         SELECT gen_random_uuid(), $1, n, 1, 'Nueva', client.id, 'Laura', '+573001234567', 'wuzapi', 'chat', '1',
                'reparación', 'de ' || $1, 'Medellín', 'whatsapp', now(), now()
         FROM client, generate_series($2::bigint, $3::bigint) AS n",
    )
    .bind(tenant_name)
    .bind(first)
    .bind(last)
    .execute(&stage.pool)
    .await
    .unwrap();
}
