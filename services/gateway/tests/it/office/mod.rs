//! Orders, signature, ocr and sync as the gateway asks them: real gRPC behind the real guard, over tables in memory.

mod assets;
mod ingress;
mod letters;
mod messages;
mod ocr;
mod orders;
mod papers;
mod signature;
mod sync;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use puente_proto::documents::Document;
use puente_proto::documents::documents_server::DocumentsServer;
use puente_proto::ingress::deliveries_server::DeliveriesServer;
use puente_proto::ingress::replays_server::ReplaysServer;
use puente_proto::ingress::{Delivery, Replay};
use puente_proto::notifications::Message;
use puente_proto::notifications::message_queries_server::MessageQueriesServer;
use puente_proto::ocr::capture_commands_server::CaptureCommandsServer;
use puente_proto::ocr::capture_queries_server::CaptureQueriesServer;
use puente_proto::ocr::{Attempt, Capture, SimilarSerial};
use puente_proto::operations::operations_server::OperationsServer;
use puente_proto::operations::{DeadLetter, Effect, PublishedEvent};
use puente_proto::orders::assets_server::AssetsServer;
use puente_proto::orders::directory_server::DirectoryServer;
use puente_proto::orders::order_commands_server::OrderCommandsServer;
use puente_proto::orders::order_queries_server::OrderQueriesServer;
use puente_proto::orders::{Asset, AssetFact, OrderSummary, Person, Quotation};
use puente_proto::signature::signature_commands_server::SignatureCommandsServer;
use puente_proto::signature::signature_queries_server::SignatureQueriesServer;
use puente_proto::signature::{Account, Signature, Signer};
use puente_proto::sync::Task;
use puente_proto::sync::tasks_server::TasksServer;
use puente_proto::timestamp;
use puente_rpc::{Caller, Door, Guard, RpcKeys};
use puente_types::{ManualClock, Secret};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Status};

pub(crate) use self::assets::{ASSET, asset, history};
pub(crate) use self::ingress::delivery;
pub(crate) use self::letters::{event, letter};
pub(crate) use self::ocr::{CAPTURE, attempt, capture};
pub(crate) use self::signature::SAMPLE;
use crate::support::{NOW, RPC_KEY};

pub(crate) const ORDER: &str = "019469d2-0000-7000-8000-00000000000a";
pub(crate) const OTHER: &str = "019469d2-0000-7000-8000-00000000000b";
pub(crate) const REQUEST: &str = "019469d2-0000-7000-8000-00000000000c";

/// What the services know, each thing with its tenant.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) orders: Vec<(String, OrderSummary)>,
    pub(crate) people: Vec<(String, Person)>,
    pub(crate) signatures: Vec<(String, Signature)>,
    /// With the service that keeps them.
    pub(crate) documents: Vec<(&'static str, String, Document)>,
    pub(crate) accounts: Vec<(String, Account)>,
    /// With their attempts.
    pub(crate) captures: Vec<(String, Capture, Vec<Attempt>)>,
    pub(crate) similar: Vec<SimilarSerial>,
    /// What the next photograph is read as; a sure serial when nothing was said.
    pub(crate) reads: Option<Capture>,
    /// Looks at a capture that is being read until it was.
    pub(crate) looks: usize,
    /// Why no photograph is read.
    pub(crate) unreadable: Option<Status>,
    /// With their history.
    pub(crate) assets: Vec<(String, Asset, Vec<AssetFact>)>,
    /// Tasks of orders.
    pub(crate) tasks: Vec<(String, Task)>,
    /// Messages of whatever trace.
    pub(crate) messages: Vec<(String, Message)>,
    /// What orders could not handle; and events that it still cannot.
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) stubborn: Vec<String>,
    /// Calls to providers, with the service that makes them.
    pub(crate) effects: Vec<(&'static str, Effect)>,
    /// Events, with the service that published them.
    pub(crate) events: Vec<(&'static str, PublishedEvent)>,
    /// Why no replay is begun.
    pub(crate) no_replay: Option<Status>,
    /// What came in, newest first.
    pub(crate) deliveries: Vec<Delivery>,
    /// Replays, in the order of their start.
    pub(crate) replays: Vec<Replay>,
    /// Commands, by name, in order.
    pub(crate) done: Vec<String>,
    /// What was made by a key.
    pub(crate) made: HashMap<String, String>,
    /// The state of the authorisation that is under way.
    pub(crate) state: Option<String>,
    /// Where an administrator is to be sent back to.
    pub(crate) redirect_uri: String,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) tables: Arc<Mutex<Tables>>,
    pub(crate) orders_url: String,
    pub(crate) signature_url: String,
    pub(crate) ocr_url: String,
    pub(crate) sync_url: String,
    /// Away unless a test names it.
    pub(crate) messages_url: String,
    /// Away unless a test names it.
    pub(crate) ingress_url: String,
    _stop: Arc<Stop>,
}

struct Stop(CancellationToken);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// One of them.
#[derive(Clone)]
pub(crate) struct Desk {
    name: &'static str,
    tables: Arc<Mutex<Tables>>,
}

impl Office {
    pub(crate) async fn open(clock: &ManualClock) -> Self {
        let tables: Arc<Mutex<Tables>> = Arc::default();
        let stop = CancellationToken::new();
        let desk = |name| Desk {
            name,
            tables: tables.clone(),
        };
        let orders = desk("orders");
        let orders = Routes::new(OrderQueriesServer::new(orders.clone()))
            .add_service(OrderCommandsServer::new(orders.clone()))
            .add_service(DirectoryServer::new(orders.clone()))
            .add_service(AssetsServer::new(orders.clone()))
            .add_service(OperationsServer::new(orders.clone()))
            .add_service(DocumentsServer::new(orders));
        let signature = desk("signature");
        let signature = Routes::new(SignatureQueriesServer::new(signature.clone()))
            .add_service(SignatureCommandsServer::new(signature.clone()))
            .add_service(DocumentsServer::new(signature));
        let ocr = desk("ocr");
        let ocr = Routes::new(CaptureQueriesServer::new(ocr.clone()))
            .add_service(CaptureCommandsServer::new(ocr.clone()))
            .add_service(DocumentsServer::new(ocr));
        let ingress = Routes::new(DeliveriesServer::new(desk("ingress")))
            .add_service(ReplaysServer::new(desk("ingress")));
        let sync =
            Routes::new(TasksServer::new(desk("sync"))).add_service(OperationsServer::new(desk("sync")));
        Self {
            ingress_url: serve("ingress", ingress, clock, &stop).await,
            sync_url: serve("sync", sync, clock, &stop).await,
            messages_url: {
                let messages = Routes::new(MessageQueriesServer::new(desk("notifications")));
                serve("notifications", messages, clock, &stop).await
            },
            ocr_url: serve("ocr", ocr, clock, &stop).await,
            orders_url: serve("orders", orders, clock, &stop).await,
            signature_url: serve("signature", signature, clock, &stop).await,
            tables,
            _stop: Arc::new(Stop(stop)),
        }
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap()
    }

    /// An order of `algesta` in this state, and one of `norte`.
    pub(crate) fn orders(&self, state: &str) {
        let ours = order(ORDER, "OT-000042", state);
        let theirs = order(OTHER, "OT-000001", "CotizacionAprobada");
        self.tables().orders = vec![("algesta".to_owned(), ours), ("norte".to_owned(), theirs)];
    }

    /// A request that waits for two of its signers.
    pub(crate) fn signature(&self, change: impl FnOnce(&mut Signature)) {
        let mut one = signature();
        change(&mut one);
        self.tables().signatures = vec![("algesta".to_owned(), one)];
    }

    /// A capture of `algesta` in this state.
    pub(crate) fn capture(&self, state: &str) {
        let known = ("algesta".to_owned(), capture(state), vec![attempt(None)]);
        self.tables().captures = vec![known];
    }

    /// An asset of `algesta`.
    pub(crate) fn asset(&self) {
        self.tables().assets = vec![("algesta".to_owned(), asset(), history())];
    }

    /// Commands so far.
    pub(crate) fn done(&self) -> Vec<String> {
        self.tables().done.clone()
    }
}

async fn serve(name: &'static str, routes: Routes, clock: &ManualClock, stop: &CancellationToken) -> String {
    let keys = RpcKeys::parse(&Secret::new(RPC_KEY)).unwrap();
    let guard = Guard::new(keys, name, Arc::new(clock.clone()));
    let door = Door::bind("127.0.0.1:0".parse().unwrap(), guard).await.unwrap();
    let address = door.address().unwrap();
    let stop = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "a test has no runtime of the service")]
    tokio::spawn(async move { door.serve(routes, stop).await });
    format!("http://{address}")
}

pub(crate) fn order(id: &str, number: &str, state: &str) -> OrderSummary {
    let next = match state {
        "CotizacionAprobada" => vec!["send_to_signature".to_owned(), "cancel".to_owned()],
        "EnCotizacion" => vec!["send_quotation".to_owned()],
        _ => Vec::new(),
    };
    OrderSummary {
        order_id: id.to_owned(),
        number: number.to_owned(),
        state: state.to_owned(),
        service: "Reparación".to_owned(),
        description: "Se dañó el aire".to_owned(),
        client_name: "Ana Torres".to_owned(),
        client_id: "c-1".to_owned(),
        client_phone: "+573001234567".to_owned(),
        location: "Calle 100".to_owned(),
        version: 5,
        agent: "laura".to_owned(),
        agent_name: "Laura Mejía".to_owned(),
        service_provider: "frio-andino".to_owned(),
        service_provider_name: "Frío Andino S.A.S.".to_owned(),
        channel: "whatsapp".to_owned(),
        transitions: next,
        quotation: Some(Quotation {
            amount_minor: 128_400_000,
            currency: "COP".to_owned(),
            valid_until: "2026-12-31".to_owned(),
            ..Quotation::default()
        }),
        opened_at: Some(timestamp(NOW)),
        updated_at: Some(timestamp(NOW)),
        ..OrderSummary::default()
    }
}

pub(crate) fn signature() -> Signature {
    let signer = |role: &str, name: &str, email: &str, state: &str| Signer {
        role: role.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        state: state.to_owned(),
        label: state.to_owned(),
        colour: if state == "signed" { "green" } else { "blue" }.to_owned(),
        sent_at: Some(timestamp(NOW)),
        ended_at: (state == "signed").then(|| timestamp(NOW)),
        ..Signer::default()
    };
    Signature {
        request_id: REQUEST.to_owned(),
        order_id: ORDER.to_owned(),
        number: "OT-000042".to_owned(),
        state: "EnProceso".to_owned(),
        label: "En proceso".to_owned(),
        colour: "blue".to_owned(),
        step: "waiting".to_owned(),
        signers: vec![
            signer("client", "Ana Torres", "ana.torres@example.com", "signed"),
            signer(
                "service_provider",
                "Frío Andino S.A.S.",
                "contratos@frioandino.example",
                "delivered",
            ),
            signer("agent", "Laura Mejía", "laura.mejia@algesta.example", "sent"),
        ],
        provider: "docusign".to_owned(),
        connection: "docusign-algesta".to_owned(),
        envelope_id: "9a4c5f0e-1b1c-4b39-8f00-5d5f2a3a1c11".to_owned(),
        version: 4,
        attempt: 1,
        requested_at: Some(timestamp(NOW)),
        changed_at: Some(timestamp(NOW)),
        actions: ["resend", "void", "check", "manual"].map(str::to_owned).to_vec(),
        ..Signature::default()
    }
}

/// Whose call it is.
fn tenant<T>(request: &Request<T>) -> Result<String, Status> {
    let caller = request.extensions().get::<Caller>();
    let scope = caller.and_then(|caller| caller.scope.tenant());
    scope
        .map(ToString::to_string)
        .ok_or_else(|| Status::invalid_argument("ask for one tenant"))
}
