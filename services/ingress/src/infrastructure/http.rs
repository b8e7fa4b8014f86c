//! The routes: limits and raw bytes here, everything else in the use case.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use puente_ports::{HandshakeReply, Manifest};
use puente_telemetry::metric;
use puente_types::{Clock, DeliveryId};
use puente_webhook_auth::RawRequest;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::application::{self, Candidates, Received};
use crate::domain::{Outcome, ReceiptClock, Refusal};
use crate::infrastructure::batch::{Queue, Waiting};
use crate::infrastructure::directory::Directory;
use crate::infrastructure::latency::Latency;
use crate::infrastructure::limits::Limits;

/// Addresses from before the generic route, kept for bots that are set up with them.
const ALIASES: &[(&str, &str)] = &[("/api/jelou/webhook", "jelou")];

/// Memory reserved at a time for a body whose length is not declared.
const RESERVE_STEP: usize = 64 * 1024;
/// How much of a body that is too large is still read, so that its sender gets the answer.
const THROWN_AWAY: usize = 1024 * 1024;

/// What the routes share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) latency: Arc<Latency>,
    pub(crate) queue: Queue,
    pub(crate) limits: Limits,
    pub(crate) receipt: ReceiptClock,
    pub(crate) read_timeout: Duration,
    pub(crate) commit_timeout: Duration,
    pub(crate) public_url: String,
    pub(crate) health: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
}

/// All routes of the service.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/", get(about))
        .route("/health", get(health))
        .route("/webhooks/{provider}", post(any_connection).get(handshake_any))
        .route(
            "/webhooks/{provider}/{connection}",
            post(one_connection).get(handshake_one),
        );
    for (path, provider) in ALIASES {
        router = router.route(
            path,
            post(move |state, peer, request| receive(state, peer, provider.to_string(), None, request)),
        );
    }
    router
        .fallback(async || refuse(Refusal::UnknownAddress))
        .with_state(shared)
}

type Peer = ConnectInfo<SocketAddr>;

async fn any_connection(
    state: State<Arc<Shared>>,
    peer: Peer,
    Path(provider): Path<String>,
    request: Request<Body>,
) -> Response {
    receive(state, peer, provider, None, request).await
}

async fn one_connection(
    state: State<Arc<Shared>>,
    peer: Peer,
    Path((provider, connection)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    receive(state, peer, provider, Some(connection), request).await
}

/// One webhook, from its first byte to its answer.
async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): Peer,
    provider: String,
    connection: Option<String>,
    request: Request<Body>,
) -> Response {
    let started = Instant::now();
    let candidates = match shared.directory.candidates(&provider, connection.as_deref()) {
        Ok(candidates) => candidates,
        Err(refusal) => {
            metric::webhook("unknown", refusal.code(), started.elapsed());
            return refuse(refusal);
        }
    };
    let slug = candidates.provider.manifest().slug.as_str();
    match shared.take(&candidates, peer, request).await {
        Ok(Taken::Stored(delivery, outcome)) => {
            metric::webhook(slug, outcome.as_str(), started.elapsed());
            shared.latency.record(shared.clock.now(), started.elapsed());
            accepted(delivery, outcome)
        }
        Ok(Taken::Handshake(answer)) => {
            metric::webhook(slug, "handshake", started.elapsed());
            answered(answer)
        }
        Err(refusal) => {
            metric::webhook(slug, refusal.code(), started.elapsed());
            tracing::info!(provider = slug, reason = refusal.code(), "webhook refused");
            refuse(refusal)
        }
    }
}

/// What a posted request was.
enum Taken {
    /// A webhook; it is stored.
    Stored(DeliveryId, Outcome),
    /// The question whether webhooks are wanted here. It proves nothing, and nothing is kept of it.
    Handshake(HandshakeReply),
}

impl Shared {
    async fn take(
        &self,
        candidates: &Candidates,
        peer: SocketAddr,
        request: Request<Body>,
    ) -> Result<Taken, Refusal> {
        self.limits.admit(self.limits.source(peer, request.headers()))?;
        let manifest = candidates.provider.manifest();
        let webhook = candidates.provider.webhook().ok_or(Refusal::UnknownAddress)?;
        if !is_json(request.headers()) {
            // Who asks whether webhooks are wanted often sends nothing but headers.
            let (parts, _) = request.into_parts();
            return shaken(candidates, &raw(parts, Bytes::new())).unwrap_or(Err(Refusal::ContentType));
        }
        let (raw, memory) = self.read(manifest, request).await?;
        let id = DeliveryId::new();
        let sequence = self.receipt.next(&*self.clock);
        let span = tracing::info_span!(
            target: puente_telemetry::TRACED_ONLY,
            "webhook.receive",
            otel.kind = "server",
            otel.name = %format_args!("webhook {}", manifest.slug),
            provider = manifest.slug,
            delivery.id = %id,
        );
        // Entered for what is done at once; the wait for the commit only keeps it open.
        let accepted =
            span.in_scope(|| application::accept(candidates, webhook, raw, id, sequence, self.clock.now()));
        match accepted {
            Ok(received) => {
                if let Some(tenant) = &received.stored.tenant {
                    puente_telemetry::attribute(&span, "tenant.id", tenant.clone());
                }
                join_trace(&span, &received);
                let outcome = self.save(received, memory).await?;
                puente_telemetry::attribute(&span, "outcome", outcome.as_str());
                Ok(Taken::Stored(id, outcome))
            }
            Err(refused) => {
                let (raw, error) = *refused;
                if let Some(answer) = shaken(candidates, &raw) {
                    return answer;
                }
                puente_telemetry::attribute(&span, "outcome", "refused");
                self.keep_refused(application::refused(candidates, raw, error, id, sequence));
                Err(Refusal::NotAuthentic(error.code()))
            }
        }
    }

    /// Reads the body within the provider's size, the time allowed and the memory there is.
    async fn read(
        &self,
        manifest: &Manifest,
        request: Request<Body>,
    ) -> Result<(RawRequest, OwnedSemaphorePermit), Refusal> {
        let (parts, body) = request.into_parts();
        let declared = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let reading = self.read_body(body, declared, manifest.max_body_bytes);
        let (body, memory) = tokio::time::timeout(self.read_timeout, reading)
            .await
            .map_err(|_| Refusal::TooSlow)??;
        Ok((raw(parts, body), memory))
    }

    /// Reads a body, and reserves memory as it grows. One that is too large is read on for a while and thrown away:
    /// a sender that is cut off in the middle of its body never sees the answer.
    async fn read_body(
        &self,
        body: Body,
        declared: Option<usize>,
        most: usize,
    ) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
        let mut too_large = declared.is_some_and(|length| length > most);
        let mut reserved = if too_large {
            0
        } else {
            declared.unwrap_or(RESERVE_STEP)
        };
        let mut memory = self.limits.reserve(reserved)?;
        let mut kept = BytesMut::with_capacity(reserved.min(RESERVE_STEP));
        let mut seen = 0_usize;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::BrokenBody)?;
            seen = seen.saturating_add(chunk.len());
            too_large |= seen > most;
            if too_large {
                kept = BytesMut::new();
                if seen > most.saturating_add(THROWN_AWAY) {
                    break;
                }
                continue;
            }
            while seen > reserved {
                memory.merge(self.limits.reserve(RESERVE_STEP)?);
                reserved = reserved.saturating_add(RESERVE_STEP);
            }
            kept.extend_from_slice(&chunk);
        }
        if too_large {
            Err(Refusal::TooLarge)
        } else {
            Ok((kept.freeze(), memory))
        }
    }

    /// Hands a request to the writers and waits for its commit.
    async fn save(&self, received: Received, memory: OwnedSemaphorePermit) -> Result<Outcome, Refusal> {
        let (answer, committed) = oneshot::channel();
        self.queue
            .offer(Waiting {
                received,
                answer,
                memory: Some(memory),
            })
            .map_err(|_| Refusal::NotStored)?;
        // When the wait is over, the commit may still happen: the provider comes again, and the keys know it.
        match tokio::time::timeout(self.commit_timeout, committed).await {
            Ok(Ok(Ok(outcome))) => Ok(outcome),
            _ => Err(Refusal::NotStored),
        }
    }

    /// Keeps a request that is not authentic, unless that would take room from those that are.
    fn keep_refused(&self, received: Received) {
        if self.queue.is_roomy() && self.limits.may_keep_refused() {
            let (answer, _) = oneshot::channel();
            let _ = self.queue.offer(Waiting {
                received,
                answer,
                memory: None,
            });
        }
    }
}

/// What is answered to a posted request that is a handshake; `None` when it is none.
fn shaken(candidates: &Candidates, request: &RawRequest) -> Option<Result<Taken, Refusal>> {
    match application::answer_handshake(candidates, request) {
        Ok(answer) => Some(Ok(Taken::Handshake(answer))),
        Err(Refusal::Handshake) => Some(Err(Refusal::Handshake)),
        Err(_) => None,
    }
}

/// A request whose events all belong to one earlier journey is part of that journey's trace.
fn join_trace(span: &tracing::Span, received: &Received) {
    let mut traces = received
        .events
        .iter()
        .map(|(_, event)| event.traceparent.as_deref());
    let Some(Some(first)) = traces.next() else { return };
    let own = received.stored.traceparent.as_deref();
    if own != Some(first) && traces.all(|trace| trace == Some(first)) {
        puente_telemetry::link(span, Some(first));
    }
}

fn raw(parts: axum::http::request::Parts, body: Bytes) -> RawRequest {
    RawRequest {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn handshake_any(
    state: State<Arc<Shared>>,
    peer: Peer,
    Path(provider): Path<String>,
    request: Request<Body>,
) -> Response {
    handshake(&state, peer, &provider, None, request)
}

async fn handshake_one(
    state: State<Arc<Shared>>,
    peer: Peer,
    Path((provider, connection)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    handshake(&state, peer, &provider, Some(&connection), request)
}

fn handshake(
    shared: &Shared,
    ConnectInfo(peer): Peer,
    provider: &str,
    connection: Option<&str>,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    let answer = shared
        .limits
        .admit(shared.limits.source(peer, &parts.headers))
        .and_then(|()| shared.directory.candidates(provider, connection))
        .and_then(|candidates| application::answer_handshake(&candidates, &raw(parts, Bytes::new())));
    answer.map_or_else(refuse, answered)
}

fn answered(reply: HandshakeReply) -> Response {
    match reply {
        HandshakeReply::Accept(text) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        HandshakeReply::Header { name, value } => [(name, value)].into_response(),
        HandshakeReply::Refuse => refuse(Refusal::Handshake),
    }
}

async fn about(State(shared): State<Arc<Shared>>) -> Response {
    axum::Json(serde_json::json!({
        "service": "ingress",
        "version": env!("CARGO_PKG_VERSION"),
        "public_url": shared.public_url,
        "integrations": shared.integrations(),
    }))
    .into_response()
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    axum::Json((shared.health)()).into_response()
}

impl Shared {
    /// Providers, their addresses and how many connections use them. Names and secrets of connections stay inside.
    fn integrations(&self) -> Vec<serde_json::Value> {
        puente_providers::all()
            .filter(|provider| provider.webhook().is_some())
            .map(|provider| {
                let manifest = provider.manifest();
                serde_json::json!({
                    "provider": manifest.slug,
                    "name": manifest.name,
                    "state": manifest.state,
                    "webhook": format!("{}/webhooks/{}", self.public_url, manifest.slug),
                    "connections": self.directory.count(&manifest.slug),
                })
            })
            .collect()
    }
}

/// The body is `{}`, which every provider takes; what programs want to know stands in the headers.
fn accepted(delivery: DeliveryId, outcome: Outcome) -> Response {
    let mut response = Response::new(Body::from("{}"));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(&delivery.to_string()) {
        headers.insert("puente-delivery", id);
    }
    headers.insert("puente-outcome", HeaderValue::from_static(outcome.as_str()));
    response
}

fn refuse(refusal: Refusal) -> Response {
    let body = serde_json::json!({ "error": refusal.code(), "message": refusal.to_string() });
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(seconds) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
