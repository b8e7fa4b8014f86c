//! The people behind the desk: they give orders away, quote them, and send contracts to be signed.
//!
//! Every step is repeated with its own key until it is answered, as a console does whose service was killed meanwhile.

use std::sync::Arc;
use std::time::Duration;

use puente_proto::orders::directory_client::DirectoryClient;
use puente_proto::orders::order_commands_client::OrderCommandsClient;
use puente_proto::orders::order_queries_client::OrderQueriesClient;
use puente_proto::orders::{
    AssignOrderRequest, GetOrderRequest, MoveOrderRequest, OrderSummary, Person, PutPersonRequest, Quotation,
    SendToSignatureRequest, get_order_request,
};
use puente_proto::signature::signature_commands_client::SignatureCommandsClient;
use puente_proto::signature::signature_queries_client::SignatureQueriesClient;
use puente_proto::signature::{
    BeginAuthorizationRequest, CompleteAuthorizationRequest, GetSignatureRequest, Signature,
    get_signature_request,
};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_testkit::wait_for;
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::{PATIENCE, RPC_KEY};

/// The agent of every order.
pub const AGENT: &str = "laura.mejia";
/// The service provider of every order.
pub const PROVIDER: &str = "frio-andino";
/// What a quotation says, in pesos.
const PRICE_MINOR: i64 = 125_000_000;
/// Where the provider sends administrators back to.
const REDIRECT: &str = "http://127.0.0.1:8090/oauth/callback";
/// Longest wait for one answer; a killed service answers never.
const DEADLINE: Duration = Duration::from_secs(5);

/// The desk of one tenant.
#[derive(Clone)]
pub struct Office {
    keys: RpcKeys,
    caller: Caller,
    orders: Channel,
    signature: Channel,
}

impl Office {
    /// The desk of `tenant`, with orders and signature at these addresses.
    #[must_use]
    pub fn of(tenant: &str, orders_url: &str, signature_url: &str) -> Self {
        let keys = RpcKeys::parse(&Secret::new(RPC_KEY)).unwrap();
        let channel = |url: &str| {
            let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
            endpoint.connect_timeout(DEADLINE).connect_lazy()
        };
        Self {
            keys,
            caller: Caller {
                scope: Scope::Tenant(tenant.parse().unwrap()),
                subject: "laura".to_owned(),
                role: "agent".to_owned(),
            },
            orders: channel(orders_url),
            signature: channel(signature_url),
        }
    }

    fn ask<T>(&self, message: T) -> Request<T> {
        self.request("orders", message)
    }

    fn request<T>(&self, service: &'static str, message: T) -> Request<T> {
        self.request_within(DEADLINE, service, message)
    }

    fn request_within<T>(&self, deadline: Duration, service: &'static str, message: T) -> Request<T> {
        let calls = Calls::new(self.keys.clone(), service, Arc::new(SystemClock), deadline);
        calls.request(&self.caller, message).unwrap()
    }

    /// Authorises the DocuSign account as an administrator does: to the provider's page, which consents at once, and
    /// back with the code.
    pub async fn authorise(&self, connection: &str) {
        let begun = until_answered("the way to the provider", || async {
            let request = BeginAuthorizationRequest {
                connection: connection.to_owned(),
                redirect_uri: REDIRECT.to_owned(),
            };
            SignatureCommandsClient::new(self.signature.clone())
                .begin_authorization(self.request("signature", request))
                .await
                .map_err(not_yet)
        })
        .await;
        let brought = puente_providers::sim::consent(&begun.url).await.unwrap();
        let request = CompleteAuthorizationRequest {
            state: brought.state.expose().to_owned(),
            code: brought.code.expose().to_owned(),
        };
        // The code is good once: this is not repeated, but waited for.
        SignatureCommandsClient::new(self.signature.clone())
            .complete_authorization(self.request_within(PATIENCE, "signature", request))
            .await
            .unwrap();
    }

    /// The newest signature request of an order.
    pub async fn signature(&self, order_id: &str) -> Signature {
        let answer = until_answered("a signature request", || async {
            let request = GetSignatureRequest {
                key: Some(get_signature_request::Key::OrderId(order_id.to_owned())),
            };
            SignatureQueriesClient::new(self.signature.clone())
                .get_signature(self.request("signature", request))
                .await
                .map_err(not_yet)
        });
        answer.await.signature.unwrap()
    }

    /// Makes the agent and the service provider known.
    pub async fn open(&self) {
        let people = [
            person(
                AGENT,
                "agent",
                "Laura Mejía",
                "laura.mejia@algesta.example",
                "52.123.456",
            ),
            person(
                PROVIDER,
                "service_provider",
                "Frío Andino S.A.S.",
                "contratos@frioandino.example",
                "900123456-8",
            ),
        ];
        for person in people {
            until_answered("the directory", || async {
                let request = PutPersonRequest {
                    person: Some(person.clone()),
                };
                DirectoryClient::new(self.orders.clone())
                    .put_person(self.ask(request))
                    .await
            })
            .await;
        }
    }

    /// The order as it stands.
    pub async fn order(&self, number: &str) -> OrderSummary {
        let answer = until_answered("an order", || async {
            let request = GetOrderRequest {
                key: Some(get_order_request::Key::Number(number.to_owned())),
            };
            OrderQueriesClient::new(self.orders.clone())
                .get_order(self.ask(request))
                .await
        });
        answer.await.order.unwrap()
    }

    /// Gives the order away, quotes it, and has the price approved, so that its contract can be sent.
    pub async fn prepare(&self, number: &str) {
        let order_id = self.order(number).await.order_id;
        self.quote(number, &order_id).await;
    }

    /// Gives the order away, quotes it, has the price approved, and sends the contract to its signers. Returns the
    /// signature request.
    /// `time` tells one sending of an order from the next.
    pub async fn send_to_signature(&self, number: &str, time: &str) -> String {
        let order_id = self.order(number).await.order_id;
        if time == "1" {
            self.quote(number, &order_id).await;
        }
        let answer = until_answered("the sending", || async {
            let request = SendToSignatureRequest {
                order_id: order_id.clone(),
                idempotency_key: format!("sign-{number}-{time}"),
                ..SendToSignatureRequest::default()
            };
            OrderCommandsClient::new(self.orders.clone())
                .send_to_signature(self.ask(request))
                .await
        });
        answer.await.request_id
    }

    /// Gives an order to its agent and its service provider.
    pub async fn assign(&self, number: &str) {
        let order_id = self.order(number).await.order_id;
        self.give(number, &order_id).await;
    }

    /// Moves an order along the state table, each step once.
    pub async fn take(&self, number: &str, transitions: &[&str]) {
        let order_id = self.order(number).await.order_id;
        for transition in transitions {
            self.step(number, &order_id, transition, None).await;
        }
    }

    async fn give(&self, number: &str, order_id: &str) {
        until_answered("the assignment", || async {
            let request = AssignOrderRequest {
                order_id: order_id.to_owned(),
                agent: Some(AGENT.to_owned()),
                service_provider: Some(PROVIDER.to_owned()),
                idempotency_key: format!("assign-{number}"),
                ..AssignOrderRequest::default()
            };
            OrderCommandsClient::new(self.orders.clone())
                .assign_order(self.ask(request))
                .await
        })
        .await;
    }

    async fn quote(&self, number: &str, order_id: &str) {
        self.give(number, order_id).await;
        let price = Quotation {
            amount_minor: PRICE_MINOR,
            currency: "COP".to_owned(),
            note: "Reparación con repuestos".to_owned(),
            valid_until: String::new(),
        };
        for (transition, quotation) in [
            ("start_quotation", None),
            ("send_quotation", Some(price)),
            ("approve_quotation", None),
        ] {
            self.step(number, order_id, transition, quotation).await;
        }
    }

    async fn step(&self, number: &str, order_id: &str, transition: &str, quotation: Option<Quotation>) {
        until_answered(transition, || async {
            let request = MoveOrderRequest {
                order_id: order_id.to_owned(),
                transition: transition.to_owned(),
                idempotency_key: format!("{transition}-{number}"),
                quotation: quotation.clone(),
                ..MoveOrderRequest::default()
            };
            OrderCommandsClient::new(self.orders.clone())
                .move_order(self.ask(request))
                .await
        })
        .await;
    }
}

fn person(id: &str, kind: &str, name: &str, email: &str, tax_id: &str) -> Person {
    Person {
        person_id: id.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        phone: "+573011234567".to_owned(),
        tax_id: tax_id.to_owned(),
        address: "Carrera 15 # 93-75, Bogotá".to_owned(),
        active: true,
        changed_at: None,
    }
}

/// Repeats a call whose service was away; any other refusal fails the test.
pub(crate) async fn until_answered<T, F>(what: &str, call: impl Fn() -> F) -> T
where
    F: Future<Output = Result<tonic::Response<T>, Status>>,
{
    wait_for(what, PATIENCE, || async {
        match call().await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) if passing(status.code()) => Err(status.to_string()),
            Err(status) => panic!("{what}: {status}"),
        }
    })
    .await
}

/// Connections and requests travel by the broker: for a moment a service does not know one that is there.
fn not_yet(status: Status) -> Status {
    match status.code() {
        Code::NotFound => Status::unavailable("it is not known there yet"),
        _ => status,
    }
}

/// What a killed or restarted service leaves its caller with.
const fn passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            | Code::Aborted
    )
}
