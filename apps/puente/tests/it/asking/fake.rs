//! A service of which the test says what it has, and tells who asked what. Behind the real door: a call without a good
//! token does not come in.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use puente_proto::ingress::deliveries_server::{Deliveries, DeliveriesServer};
use puente_proto::ingress::replays_server::{Replays, ReplaysServer};
use puente_proto::ingress::*;
use puente_proto::ocr::capture_queries_server::CaptureQueriesServer;
use puente_proto::ocr::{AccuracyRow, Capture, Sample};
use puente_proto::operations::operations_server::{Operations, OperationsServer};
use puente_proto::operations::*;
use puente_rpc::{Caller, Door, Guard, RpcKeys};
use puente_types::{Secret, SystemClock};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::command::{Ran, puente};

/// The key of the fleet of these tests.
pub(super) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What the service has, and what it was asked.
#[derive(Default)]
pub(super) struct Has {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) plan: PlanReplayResponse,
    pub(super) replay: Replay,
    /// Looks at the replay until it is done.
    pub(super) looks_left: u32,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) retry: RetryDeadLetterResponse,
    pub(super) effects: Vec<Effect>,
    pub(super) captures: Vec<Capture>,
    pub(super) samples: Vec<Sample>,
    pub(super) accuracy: Vec<AccuracyRow>,
    /// Who asked, and what.
    pub(super) asked: Vec<(Caller, String)>,
}

#[derive(Clone)]
pub(super) struct Fake {
    has: Arc<Mutex<Has>>,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Fake {
    pub(super) async fn start(service: &'static str, has: Has) -> Self {
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        let guard = Guard::new(keys, service, Arc::new(SystemClock));
        let door = Door::bind(SocketAddr::from(([127, 0, 0, 1], 0)), guard)
            .await
            .unwrap();
        let fake = Self {
            has: Arc::new(Mutex::new(has)),
            address: door.address().unwrap(),
            stop: CancellationToken::new(),
        };
        let routes = Routes::new(DeliveriesServer::new(fake.clone()))
            .add_service(ReplaysServer::new(fake.clone()))
            .add_service(CaptureQueriesServer::new(fake.clone()))
            .add_service(OperationsServer::new(fake.clone()));
        let stop = fake.stop.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { door.serve(routes, stop).await.unwrap() });
        fake
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked, by whom, without the lists of what there is.
    pub(super) fn asked(&self) -> Vec<String> {
        let has = self.has.lock().unwrap();
        has.asked.iter().map(|(_, what)| what.clone()).collect()
    }

    pub(super) fn callers(&self) -> Vec<Caller> {
        let has = self.has.lock().unwrap();
        has.asked.iter().map(|(caller, _)| caller.clone()).collect()
    }

    /// Notes who asks and what; what there is.
    pub(super) fn note<T: std::fmt::Debug>(&self, request: &Request<T>) -> std::sync::MutexGuard<'_, Has> {
        let caller = request.extensions().get::<Caller>().unwrap().clone();
        let mut has = self.has.lock().unwrap();
        has.asked.push((caller, format!("{:?}", request.get_ref())));
        has
    }
}

/// A page of what there is: the cursor is the place.
pub(super) fn page<T: Clone>(all: &[T], size: u32, cursor: &str) -> (Vec<T>, String) {
    let from: usize = cursor.parse().unwrap_or(0);
    let size = usize::try_from(size).unwrap().min(100);
    let next = if from + size < all.len() {
        (from + size).to_string()
    } else {
        String::new()
    };
    (all.iter().skip(from).take(size).cloned().collect(), next)
}

#[tonic::async_trait]
impl Deliveries for Fake {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        let (deliveries, next_cursor) = page(&has.deliveries, question.page_size, &question.cursor);
        Ok(Response::new(ListDeliveriesResponse {
            deliveries,
            next_cursor,
        }))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        let has = self.note(&request);
        let id = &request.get_ref().id;
        let found = has.deliveries.iter().find(|delivery| delivery.id == *id);
        let found = found.ok_or_else(|| Status::not_found("there is no such delivery"))?;
        Ok(Response::new(GetDeliveryResponse {
            delivery: Some(found.clone()),
            query: "hub.mode=…".to_owned(),
            headers: vec![Header {
                name: "content-type".to_owned(),
                value: "application/json".to_owned(),
            }],
            body: b"{\"text\":\"Hola\",\n\"x\":\"\x1b[2J\"}".to_vec(),
            body_sha256: "ab12".to_owned(),
            event_ids: vec!["e-1".to_owned(), "e-2".to_owned()],
        }))
    }

    async fn get_traffic(
        &self,
        _: Request<GetTrafficRequest>,
    ) -> Result<Response<GetTrafficResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }
}

#[tonic::async_trait]
impl Replays for Fake {
    async fn plan_replay(
        &self,
        request: Request<PlanReplayRequest>,
    ) -> Result<Response<PlanReplayResponse>, Status> {
        Ok(Response::new(self.note(&request).plan.clone()))
    }

    async fn start_replay(
        &self,
        request: Request<StartReplayRequest>,
    ) -> Result<Response<StartReplayResponse>, Status> {
        let mut has = self.note(&request);
        has.replay.reason = request.into_inner().reason;
        Ok(Response::new(StartReplayResponse {
            replay: Some(has.replay.clone()),
        }))
    }

    async fn get_replay(
        &self,
        request: Request<GetReplayRequest>,
    ) -> Result<Response<GetReplayResponse>, Status> {
        let mut has = self.note(&request);
        if has.replay.id != request.get_ref().id {
            return Err(Status::not_found("there is no such replay"));
        }
        match has.looks_left.checked_sub(1) {
            Some(left) => has.looks_left = left,
            None if has.replay.state == "running" => has.replay.state = "done".to_owned(),
            None => {}
        }
        Ok(Response::new(GetReplayResponse {
            replay: Some(has.replay.clone()),
        }))
    }

    async fn list_replays(
        &self,
        _: Request<ListReplaysRequest>,
    ) -> Result<Response<ListReplaysResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }

    async fn cancel_replay(
        &self,
        request: Request<CancelReplayRequest>,
    ) -> Result<Response<CancelReplayResponse>, Status> {
        let mut has = self.note(&request);
        has.replay.state = "cancelled".to_owned();
        Ok(Response::new(CancelReplayResponse {
            replay: Some(has.replay.clone()),
        }))
    }
}

impl Fake {
    fn letter(has: &Has, event_id: &str, consumer: &str) -> Result<DeadLetter, Status> {
        let mut letters = has.letters.iter();
        letters
            .find(|letter| letter.event_id == event_id && letter.consumer == consumer)
            .cloned()
            .ok_or_else(|| Status::not_found("there is no such dead letter"))
    }
}

#[tonic::async_trait]
impl Operations for Fake {
    async fn list_events(
        &self,
        _: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        let (letters, next_cursor) = page(&has.letters, question.page_size, &question.cursor);
        let waiting = has.letters.len().try_into().unwrap();
        Ok(Response::new(ListDeadLettersResponse {
            letters,
            next_cursor,
            waiting,
        }))
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<GetDeadLetterResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        let letter = Self::letter(&has, &question.event_id, &question.consumer)?;
        Ok(Response::new(GetDeadLetterResponse { letter: Some(letter) }))
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<RetryDeadLetterResponse>, Status> {
        Ok(Response::new(self.note(&request).retry.clone()))
    }

    async fn close_dead_letter(
        &self,
        request: Request<CloseDeadLetterRequest>,
    ) -> Result<Response<CloseDeadLetterResponse>, Status> {
        drop(self.note(&request));
        if request.get_ref().reason.len() < 3 {
            return Err(Status::invalid_argument("a reason has 3 to 500 characters"));
        }
        Ok(Response::new(CloseDeadLetterResponse {}))
    }

    async fn list_effects(
        &self,
        request: Request<ListEffectsRequest>,
    ) -> Result<Response<ListEffectsResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        let (effects, next_cursor) = page(&has.effects, question.page_size, &question.cursor);
        let unknown = has
            .effects
            .iter()
            .filter(|effect| effect.state == "unknown")
            .count();
        let unknown = unknown.try_into().unwrap();
        Ok(Response::new(ListEffectsResponse {
            effects,
            next_cursor,
            unknown,
        }))
    }

    async fn get_effect(
        &self,
        request: Request<GetEffectRequest>,
    ) -> Result<Response<GetEffectResponse>, Status> {
        let has = self.note(&request);
        let found = has
            .effects
            .iter()
            .find(|effect| effect.id == request.get_ref().id);
        let effect = found
            .cloned()
            .ok_or_else(|| Status::not_found("there is no such effect"))?;
        Ok(Response::new(GetEffectResponse { effect: Some(effect) }))
    }

    async fn resolve_effect(
        &self,
        request: Request<ResolveEffectRequest>,
    ) -> Result<Response<ResolveEffectResponse>, Status> {
        let has = self.note(&request);
        let in_doubt = has
            .effects
            .iter()
            .any(|effect| effect.id == request.get_ref().id && effect.state == "unknown");
        if !in_doubt {
            return Err(Status::failed_precondition("the call is not in doubt"));
        }
        Ok(Response::new(ResolveEffectResponse {}))
    }

    async fn list_connection_health(
        &self,
        _: Request<ListConnectionHealthRequest>,
    ) -> Result<Response<ListConnectionHealthResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }
}

/// A fleet of up to three of them, and the tool that asks it.
#[derive(Clone, Default)]
pub(super) struct Fleet {
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Fleet {
    pub(super) fn with(mut self, variable: &'static str, url: String) -> Self {
        self.variables.push((variable, url));
        self
    }

    /// Runs the tool in an empty folder; the servers go on answering meanwhile.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        let variables = self.variables.clone();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let run = move || {
            let folder = crate::command::folder();
            run(folder.path(), &variables, &arguments)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

fn run(folder: &Path, variables: &[(&'static str, String)], arguments: &[String]) -> Ran {
    let mut env: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    if !env.iter().any(|(name, _)| name.starts_with("PUENTE_RPC_KEY")) {
        env.push(("PUENTE_RPC_KEY", KEY));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    puente(folder, &env, &arguments)
}

/// Fleet with ingress alone.
pub(super) fn ingress(fake: &Fake) -> Fleet {
    Fleet::default().with("PUENTE_INGRESS_GRPC", fake.url())
}

/// An instant so many seconds after the epoch.
pub(super) fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}
