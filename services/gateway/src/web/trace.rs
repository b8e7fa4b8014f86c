//! The outermost layer of every request: its span, its deadline, its metric, and errors under `/api` written out with
//! the trace to ask about.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use puente_telemetry::{current_traceparent, metric, set_parent, trace_id};
use tracing::Instrument as _;

use super::{Problem, form_data};

/// An answer that takes longer is of no use; calls to services are given up well before.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file of the largest size over a slow line: 25 MiB at 2 Mbit/s.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

/// The trace of a request, 32 hex digits; empty when nothing is traced.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceId(pub(crate) String);

/// The layer.
pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let api = request.uri().path().starts_with("/api");
    let span = tracing::info_span!("http", otel.kind = "server", otel.name = %route, http.method = %request.method());
    let parent = request.headers().get("traceparent");
    set_parent(&span, parent.and_then(|value| value.to_str().ok()));
    let patience = if form_data::is_one(request.headers()) {
        UPLOAD_PATIENCE
    } else {
        PATIENCE
    };
    let answer = async {
        let id = current_traceparent()
            .as_deref()
            .and_then(trace_id)
            .map(str::to_owned)
            .unwrap_or_default();
        request.extensions_mut().insert(TraceId(id.clone()));
        let answered = tokio::time::timeout(patience, next.run(request)).await;
        let response = answered
            .unwrap_or_else(|_| Problem::unavailable("the answer was not there in time").into_response());
        if api { write(response, &id) } else { response }
    };
    let mut response = answer.instrument(span).await;
    if api {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    metric::request("gateway", &route, response.status().as_u16(), begin.elapsed());
    response
}

/// The answer with its problem written out, inside of the request's span.
pub(crate) fn written(response: Response) -> Response {
    let id = current_traceparent();
    write(response, id.as_deref().and_then(trace_id).unwrap_or_default())
}

fn write(mut response: Response, trace_id: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>();
    let is_written = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes() == b"application/problem+json");
    if problem.is_none() && is_written {
        return response;
    }
    let problem = problem.unwrap_or_else(|| Problem::of(status));
    let text = serde_json::to_vec(&problem.details(trace_id)).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    *response.body_mut() = Body::from(text);
    response
}

/// What is answered where no route is.
pub(crate) async fn nowhere() -> Response {
    Problem::not_found().into_response()
}

/// What is answered to a method that a path does not know.
pub(crate) async fn no_such_method() -> Response {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED).into_response()
}
